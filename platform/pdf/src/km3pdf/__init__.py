"""Notebooks as PDF without LaTeX or a browser.

`exporter` is what nbconvert loads; `pages`, `formulas` and `tables` draw the pages in a process of
their own (`python -m km3pdf`).
"""
