/** How a head finds its weighting over the memory slots (Graves et al. 2014, section 3.3; equations 5 to 9). */

const NORM_FLOOR = 1e-8;
const SMALLEST_NORMAL = 2 ** -1022;

/** Find 1 / |M(i)| for each slot; a row is first divided by its largest magnitude, so that no square underflows. */
export function inverseNorms(rows: Float64Array, width: number): Float64Array {
  const inverse = new Float64Array(rows.length / width);
  for (let row = 0; row < inverse.length; row++) {
    let scale = NORM_FLOOR;
    for (let index = row * width; index < (row + 1) * width; index++) scale = Math.max(scale, Math.abs(rows[index]));
    let square = 0;
    for (let index = row * width; index < (row + 1) * width; index++) square += (rows[index] / scale) ** 2;
    inverse[row] = 1 / (scale * Math.sqrt(Math.max(square, (NORM_FLOOR / scale) ** 2)));
  }
  return inverse;
}

/** Weight each slot by its cosine similarity to the key: softmax_i(beta cos(k, M(i))). */
export function addressByContent(
  memory: Float64Array,
  inverse: Float64Array, // of the norms of its rows
  key: Float64Array,
  strength: number,
): Float64Array {
  const width = key.length;
  const [inverseOfKey] = inverseNorms(key, width);
  const cosines = new Float64Array(inverse.length);
  for (let slot = 0; slot < cosines.length; slot++) {
    const start = slot * width;
    let product = 0;
    for (let column = 0; column < width; column++) product += memory[start + column] * key[column];
    cosines[slot] = product * inverse[slot] * inverseOfKey;
  }
  return softmaxOfProduct(strength, cosines);
}

/** Interpolate between the content weighting and the head's previous weighting: g w^c + (1 - g) w_{t-1}. */
export function interpolate(byContent: Float64Array, previous: Float64Array, gate: number): Float64Array {
  return byContent.map((weight, slot) => gate * weight + (1 - gate) * previous[slot]);
}

/** Shift a weighting along the slots, which form a circle; the weights of the offsets -1, 0 and +1 are given. */
export function shift(weighting: Float64Array, shifts: Float64Array): Float64Array {
  const slots = weighting.length;
  return weighting.map(
    (weight, slot) =>
      shifts[0] * weighting[(slot + 1) % slots] +
      shifts[1] * weight +
      shifts[2] * weighting[(slot + slots - 1) % slots],
  );
}

/** Undo the blur of shifting: w(i) = w~(i)^gamma / sum_j w~(j)^gamma, by logarithms, so that no power underflows. */
export function sharpen(weighting: Float64Array, sharpening: number): Float64Array {
  return softmaxOfProduct(
    sharpening,
    weighting.map((weight) => Math.log(Math.max(weight, SMALLEST_NORMAL))),
  );
}

/** Compute softmax_i(factor * scores_i), the largest score subtracted first so that no power overflows. */
export function softmaxOfProduct(factor: number, scores: Float64Array): Float64Array {
  let [largest, sum] = [-Infinity, 0];
  for (const score of scores) largest = Math.max(largest, score);
  const powers = new Float64Array(scores.length);
  for (let index = 0; index < powers.length; index++)
    sum += powers[index] = Math.exp(factor * (scores[index] - largest));
  for (let index = 0; index < powers.length; index++) powers[index] /= sum;
  return powers;
}
