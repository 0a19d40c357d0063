"""Papers to cite for packages of the environments, as their authors ask for."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PAPERS", "Paper"]


@dataclass(frozen=True)
class Paper:
    """A publication about a package."""

    title: str
    authors: str
    """The first author's family name, or the collaboration."""
    journal: str
    year: int
    doi: str


#: By the name of the Python package.
PAPERS = {
    "astropy": Paper(
        "The Astropy Project: Sustaining and Growing a Community-oriented Open-source Project and"
        " the Latest Major Release (v5.0) of the Core Package",
        "The Astropy Collaboration", "The Astrophysical Journal 935, 167", 2022,
        "10.3847/1538-4357/ac7c74",
    ),
    "gammapy": Paper(
        "Gammapy: A Python package for gamma-ray astronomy", "Donath",
        "Astronomy and Astrophysics 678, A157", 2023, "10.1051/0004-6361/202346488",
    ),
    "healpy": Paper(
        "healpy: equal area pixelization and spherical harmonics transforms for data on the sphere"
        " in Python", "Zonca", "Journal of Open Source Software 4, 1298", 2019,
        "10.21105/joss.01298",
    ),
    "matplotlib": Paper(
        "Matplotlib: A 2D Graphics Environment", "Hunter",
        "Computing in Science and Engineering 9, 90", 2007, "10.1109/MCSE.2007.55",
    ),
    "naima": Paper(
        "naima: a Python package for inference of particle distribution properties from nonthermal"
        " spectra", "Zabalza", "Proceedings of Science ICRC2015, 922", 2016, "10.22323/1.236.0922",
    ),
    "numpy": Paper(
        "Array programming with NumPy", "Harris", "Nature 585, 357", 2020,
        "10.1038/s41586-020-2649-2",
    ),
    "pandas": Paper(
        "Data Structures for Statistical Computing in Python", "McKinney",
        "Proceedings of the 9th Python in Science Conference, 56", 2010,
        "10.25080/Majora-92bf1922-00a",
    ),
    "scipy": Paper(
        "SciPy 1.0: fundamental algorithms for scientific computing in Python", "Virtanen",
        "Nature Methods 17, 261", 2020, "10.1038/s41592-019-0686-2",
    ),
}  # fmt: skip
