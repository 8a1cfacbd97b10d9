"""The figures of Collier & Beel 2018, Implementing Neural Turing Machines (arXiv 1807.08518), one file a figure."""
