"""BibTeX entries of the methods that Hebbian projection is compared with, and of measures."""

__all__ = ["HE", "KIRKPATRICK", "KORNBLITH"]

KIRKPATRICK = """\
@article{kirkpatrick2017ewc,
  author = {Kirkpatrick, James and Pascanu, Razvan and Rabinowitz, Neil and others},
  title = {{Overcoming catastrophic forgetting in neural networks}},
  journal = {Proceedings of the National Academy of Sciences},
  volume = {114},
  number = {13},
  pages = {3521--3526},
  year = {2017},
  doi = {10.1073/pnas.1611835114}
}"""

KORNBLITH = """\
@inproceedings{kornblith2019cka,
  author = {Kornblith, Simon and Norouzi, Mohammad and Lee, Honglak and Hinton, Geoffrey},
  title = {{Similarity of Neural Network Representations Revisited}},
  booktitle = {International Conference on Machine Learning (ICML)},
  year = {2019}
}"""

HE = """\
@inproceedings{he2016identity,
  author = {He, Kaiming and Zhang, Xiangyu and Ren, Shaoqing and Sun, Jian},
  title = {{Identity Mappings in Deep Residual Networks}},
  booktitle = {European Conference on Computer Vision (ECCV)},
  year = {2016}
}"""
