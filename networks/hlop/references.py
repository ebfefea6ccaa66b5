"""BibTeX entries of the papers on Hebbian orthogonal projection and its trainers."""

XIAO = """\
@inproceedings{xiao2024hlop,
  author = {Xiao, Mingqing and Meng, Qingyan and Zhang, Zongpeng and He, Di and Lin, Zhouchen},
  title = {{Hebbian Learning based Orthogonal Projection for Continual Learning of Spiking
               Neural Networks}},
  booktitle = {International Conference on Learning Representations (ICLR)},
  year = {2024},
  eprint = {2402.11984},
  archivePrefix = {arXiv}
}"""

MENG = """\
@inproceedings{meng2022dsr,
  author = {Meng, Qingyan and Xiao, Mingqing and Yan, Shen and Wang, Yisen and Lin, Zhouchen and
               Luo, Zhi-Quan},
  title = {{Training High-Performance Low-Latency Spiking Neural Networks by Differentiation on
               Spike Representation}},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year = {2022}
}"""

XIAO_OTTT = """\
@inproceedings{xiao2022ottt,
  author = {Xiao, Mingqing and Meng, Qingyan and Zhang, Zongpeng and He, Di and Lin, Zhouchen},
  title = {{Online Training Through Time for Spiking Neural Networks}},
  booktitle = {Advances in Neural Information Processing Systems (NeurIPS)},
  year = {2022}
}"""

SAHA = """\
@inproceedings{saha2021gpm,
  author = {Saha, Gobinda and Garg, Isha and Roy, Kaushik},
  title = {{Gradient Projection Memory for Continual Learning}},
  booktitle = {International Conference on Learning Representations (ICLR)},
  year = {2021}
}"""
