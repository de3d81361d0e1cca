"""What a step needs of packages: found in the notebook's kernel (``needs``), provided in a pod (``prepare``). Standard library only."""
