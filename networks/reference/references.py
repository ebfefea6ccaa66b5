"""BibTeX of the papers that the reference memories follow."""

__all__ = [
    "AGLIARI",
    "AGLIARI_LEARNING",
    "AMIT",
    "BOGACZ",
    "DEMIRCIGIL",
    "DENSE_HEBBIAN",
    "HOPFIELD",
    "KNOBLAUCH",
    "KROTOV",
    "MCELIECE",
    "PALM",
    "WILLSHAW",
]

WILLSHAW = """@article{willshaw1969nonholographic,
  title = {Non-holographic associative memory},
  author = {Willshaw, David J. and Buneman, O. Peter and Longuet-Higgins, H. Christopher},
  journal = {Nature},
  volume = {222},
  pages = {960--962},
  year = {1969},
  doi = {10.1038/222960a0}
}"""

PALM = """@article{palm1980associative,
  title = {On associative memory},
  author = {Palm, G{\\"u}nther},
  journal = {Biological Cybernetics},
  volume = {36},
  pages = {19--31},
  year = {1980},
  doi = {10.1007/BF00337019}
}"""

KNOBLAUCH = """@article{knoblauch2008neural,
  title = {Neural associative memory and the {Willshaw-Palm} probability distribution},
  author = {Knoblauch, Andreas},
  journal = {SIAM Journal on Applied Mathematics},
  volume = {69},
  number = {1},
  pages = {169--196},
  year = {2008},
  doi = {10.1137/070700012}
}"""

HOPFIELD = """@article{hopfield1982neural,
  title = {Neural networks and physical systems with emergent collective computational abilities},
  author = {Hopfield, John J.},
  journal = {Proceedings of the National Academy of Sciences},
  volume = {79},
  number = {8},
  pages = {2554--2558},
  year = {1982},
  doi = {10.1073/pnas.79.8.2554}
}"""

AMIT = """@article{amit1985storing,
  title = {Storing infinite numbers of patterns in a spin-glass model of neural networks},
  author = {Amit, Daniel J. and Gutfreund, Hanoch and Sompolinsky, Haim},
  journal = {Physical Review Letters},
  volume = {55},
  number = {14},
  pages = {1530--1533},
  year = {1985},
  doi = {10.1103/PhysRevLett.55.1530}
}"""

MCELIECE = """@article{mceliece1987capacity,
  title = {The capacity of the {Hopfield} associative memory},
  author = {McEliece, Robert J. and Posner, Edward C. and Rodemich, Eugene R. and
            Venkatesh, Santosh S.},
  journal = {IEEE Transactions on Information Theory},
  volume = {33},
  number = {4},
  pages = {461--482},
  year = {1987},
  doi = {10.1109/TIT.1987.1057328}
}"""

BOGACZ = """@article{bogacz2003comparison,
  title = {Comparison of computational models of familiarity discrimination in the perirhinal
           cortex},
  author = {Bogacz, Rafal and Brown, Malcolm W.},
  journal = {Hippocampus},
  volume = {13},
  number = {4},
  pages = {494--524},
  year = {2003},
  doi = {10.1002/hipo.10093}
}"""

KROTOV = """@inproceedings{krotov2016dense,
  title = {Dense associative memory for pattern recognition},
  author = {Krotov, Dmitry and Hopfield, John J.},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {29},
  year = {2016}
}"""

DEMIRCIGIL = """@article{demircigil2017model,
  title = {On a model of associative memory with huge storage capacity},
  author = {Demircigil, Mete and Heusel, Judith and L{\\"o}we, Matthias and Upgang, Sven and
            Vermet, Franck},
  journal = {Journal of Statistical Physics},
  volume = {168},
  pages = {288--299},
  year = {2017},
  doi = {10.1007/s10955-017-1806-y}
}"""

DENSE_HEBBIAN = """@article{agliari2022dense,
  title = {Dense {Hebbian} neural networks: a replica symmetric picture of supervised learning},
  author = {Agliari, Elena and Albanese, Linda and Alemanno, Francesco and
            Alessandrelli, Andrea and Barra, Adriano and Giannotti, Fosca and
            Lotito, Daniele and Pedreschi, Dino},
  journal = {arXiv preprint arXiv:2212.00606},
  year = {2022}
}"""

AGLIARI = """@article{agliari2012multitasking,
  title = {Multitasking associative networks},
  author = {Agliari, Elena and Barra, Adriano and Galluzzi, Andrea and Guerra, Francesco and
            Moauro, Francesco},
  journal = {Physical Review Letters},
  volume = {109},
  number = {26},
  pages = {268101},
  year = {2012},
  doi = {10.1103/PhysRevLett.109.268101}
}"""

AGLIARI_LEARNING = """@article{agliari2023parallel,
  title = {Parallel learning by multitasking neural networks},
  author = {Agliari, Elena and Alessandrelli, Andrea and Barra, Adriano and
            Ricci-Tersenghi, Federico},
  journal = {arXiv preprint arXiv:2308.04106},
  year = {2023}
}"""
