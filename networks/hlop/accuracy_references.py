"""BibTeX entries of the papers that define measures of continual learning."""

__all__ = ["CHAUDHRY", "LOPEZ_PAZ", "REBUFFI", "RIEMER"]

LOPEZ_PAZ = """@inproceedings{lopezpaz2017gem,
  title = {Gradient episodic memory for continual learning},
  author = {Lopez-Paz, David and Ranzato, Marc'Aurelio},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {30},
  year = {2017}
}"""

CHAUDHRY = """@inproceedings{chaudhry2018riemannian,
  title = {Riemannian walk for incremental learning: understanding forgetting and intransigence},
  author = {Chaudhry, Arslan and Dokania, Puneet K. and Ajanthan, Thalaiyasingam and
            Torr, Philip H. S.},
  booktitle = {European Conference on Computer Vision},
  year = {2018}
}"""

REBUFFI = """@inproceedings{rebuffi2017icarl,
  title = {{iCaRL}: incremental classifier and representation learning},
  author = {Rebuffi, Sylvestre-Alvise and Kolesnikov, Alexander and Sperl, Georg and
            Lampert, Christoph H.},
  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition},
  year = {2017}
}"""

RIEMER = """@inproceedings{riemer2019learning,
  title = {Learning to learn without forgetting by maximizing transfer and minimizing interference},
  author = {Riemer, Matthew and Cases, Ignacio and Ajemian, Robert and Liu, Miao and Rish, Irina and
            Tu, Yuhai and Tesauro, Gerald},
  booktitle = {International Conference on Learning Representations},
  year = {2019}
}"""
