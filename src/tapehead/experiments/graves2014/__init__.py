"""The figures of Graves, Wayne & Danihelka 2014, Neural Turing Machines (arXiv 1410.5401), one file a figure."""
