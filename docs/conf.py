"""Configuration of the documentation site; ``make docs`` builds it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE / "_ext"), str(ROOT)]
# The kernels of the notebooks import the package from here as well.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
)

from spikemem import __version__  # noqa: E402

project = "spikemem"
author = "spikemem developers"
copyright = author
release = version = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "numpydoc",
    "sphinx_design",
    "sphinx_copybutton",
    "spikemem_api",
    "spikemem_pages",
    "spikemem_math",
]
root_doc = "index"
# ".rst" is the first, since autosummary writes its files with the first suffix.
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb", ".ipynb": "myst-nb"}
exclude_patterns = ["README.md", "_*", "**/.ipynb_checkpoints"]
templates_path = ["_templates"]
nitpicky = True
nitpick_ignore_regex = [
    # Names of other projects, whose pages this build does not read: it needs no network.
    (r"py:.*", r"(numpy|np|scipy|torch|matplotlib|brian2|neo|nir|pandas|quantities|h5py)(\..*)?"),
    (r"py:.*", r"(pyNN|nest|spynnaker|spinn_\w+|pacman|click)(\..*)?"),
    (r"py:.*", r"(abc|collections|fractions|pathlib|types|typing)(\..*)?"),
    (r"py:class", r".*\[.*"),  # parts of types with several arguments
]

# Pages
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "linkify", "substitution"]
myst_linkify_fuzzy_links = False
myst_heading_anchors = 4

# The site reads copies of the notebooks, which lie outside its folder.
NOTEBOOKS = HERE / "notebooks"
NOTEBOOKS.mkdir(exist_ok=True)
sources = {path.name: path for path in (ROOT / "notebooks").glob("*.ipynb")}
for path in NOTEBOOKS.glob("*.ipynb"):
    if path.name not in sources:
        path.unlink()
for name, path in sources.items():
    copy = NOTEBOOKS / name
    if not copy.exists() or copy.read_bytes() != path.read_bytes():
        copy.write_bytes(path.read_bytes())

# Notebooks are executed once; the results are kept until a notebook changes.
nb_execution_mode = "cache"
nb_execution_cache_path = str(ROOT / "build" / "notebooks")
nb_execution_in_temp = True
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_merge_streams = True
nb_render_markdown_format = "myst"

# Reference
autosummary_generate = True
autosummary_imported_members = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_default_options = {"no-value": True}
toc_object_entries_show_parents = "hide"
maximum_signature_line_length = 88
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
numpydoc_xref_param_type = False
viewcode_line_numbers = True

# Links to other sites are checked by `make docs-links` alone.
linkcheck_timeout = 20
linkcheck_retries = 2
linkcheck_workers = 4
# These answer with an error to every program that is not a browser.
linkcheck_ignore = [r"https://doi\.org/10\.1162/.*"]

# Look
html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = "spikemem"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_sidebars = {"index": []}
html_theme_options = {
    "show_prev_next": True,
    "navbar_align": "left",
    "navbar_persistent": ["search-button"],
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 8,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "show_toc_level": 2,
    "navigation_depth": 3,
    "collapse_navigation": True,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True
