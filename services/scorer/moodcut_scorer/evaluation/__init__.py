"""How well a scoring model finds emotions: labelled media in, the paper's Table 3 and Figure 6 out. Without torch.

``manifest`` reads what to judge, ``media`` the files, ``judges`` ask the model and the baselines, ``figures`` compares
their answers with the labels (``metrics``), ``tables`` and ``plots`` show it; ``evaluating`` runs it all.
"""
