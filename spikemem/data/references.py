"""BibTeX of the data sets that are read, and of the methods of the encoders."""

__all__ = ["ANUMULA", "CRAMER", "JACKSON", "KHAJEHABDOLLAHI", "ORCHARD", "SLANEY"]

ORCHARD = """@article{orchard2015converting,
  title = {Converting static image datasets to spiking neuromorphic datasets using saccades},
  author = {Orchard, Garrick and Jayawant, Ajinkya and Cohen, Gregory K. and Thakor, Nitish},
  journal = {Frontiers in Neuroscience},
  volume = {9},
  pages = {437},
  year = {2015},
  doi = {10.3389/fnins.2015.00437}
}"""
"""N-MNIST, and saccades in front of still images."""

SLANEY = """@techreport{slaney1993efficient,
  title = {An efficient implementation of the {Patterson-Holdsworth} auditory filter bank},
  author = {Slaney, Malcolm},
  institution = {Apple Computer},
  number = {35},
  year = {1993}
}"""
"""Gammatone filters."""

CRAMER = """@article{cramer2022heidelberg,
  title = {The {Heidelberg} spiking data sets for the systematic evaluation of spiking neural
           networks},
  author = {Cramer, Benjamin and Stradmann, Yannik and Schemmel, Johannes and Zenke, Friedemann},
  journal = {IEEE Transactions on Neural Networks and Learning Systems},
  volume = {33},
  number = {7},
  pages = {2744--2757},
  year = {2022},
  doi = {10.1109/TNNLS.2020.3044364}
}"""
"""Spiking Heidelberg Digits, Spiking Speech Commands."""

ANUMULA = """@article{anumula2018feature,
  title = {Feature representations for neuromorphic audio spike streams},
  author = {Anumula, Jithendar and Neil, Daniel and Delbruck, Tobi and Liu, Shih-Chii},
  journal = {Frontiers in Neuroscience},
  volume = {12},
  pages = {23},
  year = {2018},
  doi = {10.3389/fnins.2018.00023}
}"""
"""N-TIDIGITS."""

JACKSON = """@misc{jackson2018fsdd,
  title = {Free Spoken Digit Dataset},
  author = {Jackson, Zohar and others},
  year = {2018},
  doi = {10.5281/zenodo.1342401}
}"""
"""Free Spoken Digit Dataset."""

KHAJEHABDOLLAHI = """@article{khajehabdollahi2023emergent,
  title = {Emergent mechanisms for long timescales depends on training curriculum and affects
           performance in memory tasks},
  author = {Khajehabdollahi, Sina and Zeraati, Roxana and Giannakakis, Emmanouil and
            Sch{\\"a}fer, Tim Jakob and Martius, Georg and Levina, Anna},
  journal = {arXiv preprint arXiv:2309.12927},
  year = {2023}
}"""
"""N-parity and delayed match to sample."""
