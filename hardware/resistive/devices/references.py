"""BibTeX of the measurements behind the device models."""

__all__ = ["AGRAWAL", "FALCONE", "LE_GALLO", "MILO", "NANDAKUMAR", "WAN", "WANG"]

NANDAKUMAR = """@inproceedings{nandakumar2019pcm,
  title = {Phase-change memory models for deep learning training and inference},
  author = {Nandakumar, S. R. and Boybat, Irem and Joshi, Vinay and Piveteau, Christophe and
            Le Gallo, Manuel and Rajendran, Bipin and Sebastian, Abu and
            Eleftheriou, Evangelos},
  booktitle = {IEEE International Conference on Electronics, Circuits and Systems (ICECS)},
  year = {2019}
}"""

LE_GALLO = """@article{legallo2023hermes,
  title = {A 64-core mixed-signal in-memory compute chip based on phase-change memory for deep
           neural network inference},
  author = {Le Gallo, Manuel and others},
  journal = {Nature Electronics},
  volume = {6},
  pages = {680--693},
  year = {2023},
  doi = {10.1038/s41928-023-01010-1}
}"""

WAN = """@article{wan2022neurram,
  title = {A compute-in-memory chip based on resistive random-access memory},
  author = {Wan, Weier and others},
  journal = {Nature},
  volume = {608},
  pages = {504--512},
  year = {2022},
  doi = {10.1038/s41586-022-04992-8}
}"""

FALCONE = """@article{falcone2025allinone,
  title = {All-in-one analog {AI} hardware: on-chip training and inference with
           conductive-metal-oxide/{HfOx} {ReRAM} devices},
  author = {Falcone, Donato Francesco and others},
  journal = {Advanced Functional Materials},
  year = {2025}
}"""

MILO = """@article{milo2021accurate,
  title = {Accurate program/verify schemes of resistive switching memory ({RRAM}) for in-memory
           neural network circuits},
  author = {Milo, Valerio and others},
  journal = {IEEE Transactions on Electron Devices},
  volume = {68},
  pages = {3832--3837},
  year = {2021}
}"""

AGRAWAL = """@inproceedings{agrawal2022sonos,
  title = {Subthreshold operation of {SONOS} analog memory to enable accurate low-power neural
           network inference},
  author = {Agrawal, Vineet and others},
  booktitle = {International Electron Devices Meeting (IEDM)},
  year = {2022}
}"""

WANG = """@article{wang2023echo,
  title = {Echo state graph neural networks with analogue random resistive memory arrays},
  author = {Wang, Shaocong and others},
  journal = {Nature Machine Intelligence},
  volume = {5},
  pages = {104--113},
  year = {2023},
  doi = {10.1038/s42256-023-00609-5}
}"""
