/** Playing: so many steps a second, from here to the end. */

interface Played {
  time: () => number;
  last: () => number; // the last step
  speed: () => number; // steps a second
  goTo: (step: number) => void;
  showPlaying: (plays: boolean) => void;
}

export interface Player {
  play: () => void;
  pause: () => void;
  plays: () => boolean;
}

export function makePlayer({ time, last, speed, goTo, showPlaying }: Played): Player {
  let frame: number | null = null;

  function pause(): void {
    if (frame !== null) cancelAnimationFrame(frame);
    frame = null;
    showPlaying(false);
  }

  /** Play from here, or from the beginning where this is the end. */
  function play(): void {
    showPlaying(true);
    goTo(time() === last() ? 0 : time());
    let shown = performance.now();
    const advance = (now: number) => {
      frame = requestAnimationFrame(advance);
      const steps = Math.floor(((now - shown) / 1000) * speed());
      if (steps <= 0) return;
      shown += (steps / speed()) * 1000;
      goTo(time() + steps);
      if (time() === last()) pause();
    };
    frame = requestAnimationFrame(advance);
  }

  return { play, pause, plays: () => frame !== null };
}
