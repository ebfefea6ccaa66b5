"""BibTeX entries of the papers that published the models of this family."""

__all__ = ["CODE_SELECTION", "HIERARCHY", "SUPERPOSED"]

CODE_SELECTION = """@article{rinkus2010cortical,
  title = {A cortical sparse distributed coding model linking mini- and macrocolumn-scale
           functionality},
  author = {Rinkus, Gerard J.},
  journal = {Frontiers in Neuroanatomy},
  volume = {4},
  pages = {17},
  year = {2010},
  doi = {10.3389/fnana.2010.00017}
}"""

HIERARCHY = """@article{rinkus2014sparsey,
  title = {Sparsey: event recognition via deep hierarchical sparse distributed codes},
  author = {Rinkus, Gerard J.},
  journal = {Frontiers in Computational Neuroscience},
  volume = {8},
  pages = {160},
  year = {2014},
  doi = {10.3389/fncom.2014.00160}
}"""

SUPERPOSED = """@article{rinkus2017superposed,
  title = {Superposed episodic and semantic memory via sparse distributed representation},
  author = {Rinkus, Rod and Leveille, Jasmin},
  journal = {arXiv preprint arXiv:1710.07829},
  year = {2017}
}"""
