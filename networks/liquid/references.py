"""BibTeX entries of the papers on liquids."""

__all__ = ["LIN", "MAASS"]

LIN = """@article{lin2025resistive,
  title = {Resistive memory-based zero-shot liquid state machine for multimodal event data
           learning},
  author = {Lin, Ning and others},
  journal = {Nature Computational Science},
  volume = {5},
  number = {1},
  pages = {37--47},
  year = {2025},
  doi = {10.1038/s43588-024-00751-z}
}"""

MAASS = """@article{maass2002real,
  title = {Real-time computing without stable states: a new framework for neural computation based
           on perturbations},
  author = {Maass, Wolfgang and Natschl{\\"a}ger, Thomas and Markram, Henry},
  journal = {Neural Computation},
  volume = {14},
  number = {11},
  pages = {2531--2560},
  year = {2002},
  doi = {10.1162/089976602760407955}
}"""
