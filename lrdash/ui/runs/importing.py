"""Import runs of other programs, on the Runs page."""

from __future__ import annotations

import streamlit as st

from lrdash.core import wording
from lrdash.tracking.importing import UPLOAD_LIMIT, Brought, Upload, bring, read_uploads
from lrdash.ui import resources
from lrdash.ui.components.errors import error_boundary, show_error

HELP = (
    "lrdash reads the files as numbers and text and executes nothing in them. At most "
    f"{UPLOAD_LIMIT // 1_000_000} MB in total; `lrdash import` in a shell takes more, and whole "
    "log folders."
)


def offer() -> None:
    """A button that opens the form, and the result of the last import."""
    if st.button("Import runs", icon=":material/upload_file:", key="import-runs",
                 help="TensorBoard event files, CSV and JSON of Keras and others."):
        _form()
    if "imported" in st.session_state:
        _report(*st.session_state.pop("imported"))


@st.dialog("Import runs", width="medium")
def _form() -> None:
    st.markdown(
        "From **TensorBoard** (event files; zip the log folder to keep `train` and `validation` "
        "together), **CSVLogger** (CSV) or **History** (`json.dump(history.history, file)`)."
    )
    files = st.file_uploader("Files", accept_multiple_files=True, key="import-files", help=HELP)
    dataset = st.text_input("Dataset", "", max_chars=80, key="import-dataset",
                            placeholder="optional, e.g. CIFAR-10")
    model = st.text_input("Model", "", max_chars=80, key="import-model",
                          placeholder="optional, e.g. ResNet-18")
    st.caption(HELP)
    if st.button("Import", type="primary", key="import-now", disabled=not files):
        with error_boundary():
            if sum(file.size for file in files) > UPLOAD_LIMIT:  # before anything is read
                show_error(f"The files have more than {UPLOAD_LIMIT // 1_000_000} MB in total.")
                return
            uploads = [Upload(name=file.name, data=file.getvalue()) for file in files]
            skipped: list[str] = []
            found = bring(
                read_uploads(uploads, skipped.append), resources.store(),
                dataset=dataset or "", model=model or "",
            )
            st.session_state["imported"] = found, skipped
            st.rerun()


def _report(found: list[Brought], skipped: list[str]) -> None:
    new = sum(one.new for one in found)
    old = len(found) - new
    parts = [f"{wording.plural(new, 'run')} imported"] if new else []
    parts += [f"{wording.plural(old, 'run was', 'runs were')} already there"] if old else []
    st.success(", ".join(parts) + ".", icon=":material/check_circle:")
    notes = [(one.name, one.remarks) for one in found if one.remarks]
    if notes:
        st.caption("  \n".join(
            f"{wording.escaped(name)}: {wording.escaped(' '.join(remarks))}"
            for name, remarks in notes[:10]
        ))
    if skipped:
        st.warning("  \n".join(map(wording.escaped, skipped)), icon=":material/warning:")
