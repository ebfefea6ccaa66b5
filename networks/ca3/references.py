"""BibTeX entries of the papers that published the memories of this family."""

__all__ = ["CA3", "HIPPOCAMPUS"]

CA3 = """@article{casanueva2024cam,
  title = {Bio-inspired computational memory model of the {Hippocampus}: An approach to a
           neuromorphic spike-based {Content-Addressable Memory}},
  author = {Casanueva-Morato, Daniel and Ayuso-Martinez, Alvaro and Dominguez-Morales, Juan P. and
            Jimenez-Fernandez, Angel and Jimenez-Moreno, Gabriel},
  journal = {Neural Networks},
  volume = {178},
  pages = {106474},
  year = {2024},
  doi = {10.1016/j.neunet.2024.106474}
}"""

HIPPOCAMPUS = """@article{casanueva2024hippocampus,
  title = {A bio-inspired implementation of a sparse-learning spike-based hippocampus memory
           model},
  author = {Casanueva-Morato, Daniel and Ayuso-Martinez, Alvaro and Dominguez-Morales, Juan P. and
            Jimenez-Fernandez, Angel and Jimenez-Moreno, Gabriel},
  journal = {IEEE Transactions on Emerging Topics in Computing},
  year = {2024},
  doi = {10.1109/TETC.2024.3387026}
}"""
