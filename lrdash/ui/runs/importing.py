"""The way in for runs of other programs, on the Runs page."""

from __future__ import annotations

import streamlit as st

from lrdash.core import wording
from lrdash.core.errors import LrdashError
from lrdash.tracking.importing import UPLOAD_LIMIT, Brought, Upload, bring, read_uploads
from lrdash.ui import resources

HELP = (
    "Old runs stand beside new ones then. Files are read as numbers and text, nothing in them is "
    f"executed. At most {UPLOAD_LIMIT // 1_000_000} MB in all; from a shell, `lrdash import` takes "
    "whole log folders and more."
)


def offer() -> None:
    """A button that opens the form, and what the last import did."""
    if st.button("Import runs", icon=":material/upload_file:", key="import-runs",
                 help="TensorBoard event files, CSVLogger files, History as JSON."):
        _form()
    if "imported" in st.session_state:
        _tell(*st.session_state.pop("imported"))


@st.dialog("Import runs", width="medium")
def _form() -> None:
    st.markdown(
        "From **TensorBoard** (event files; a log folder as a ZIP archive keeps `train` and "
        "`validation` together), **CSVLogger** (CSV) or **History** "
        "(`json.dump(history.history, file)`)."
    )
    files = st.file_uploader("Files", accept_multiple_files=True, key="import-files", help=HELP)
    dataset = st.text_input("Learned from", "", max_chars=80, key="import-dataset",
                            placeholder="optional, e.g. CIFAR-10")
    model = st.text_input("Model", "", max_chars=80, key="import-model",
                          placeholder="optional, e.g. ResNet-18")
    st.caption(HELP)
    if st.button("Import", type="primary", key="import-now", disabled=not files):
        try:
            if sum(file.size for file in files) > UPLOAD_LIMIT:  # before anything is read
                st.error(f"The files have more than {UPLOAD_LIMIT // 1_000_000} MB in all.",
                         icon=":material/error:")
                return
            uploads = [Upload(name=file.name, data=file.getvalue()) for file in files]
            left: list[str] = []
            brought = bring(
                read_uploads(uploads, left.append), resources.store(),
                dataset=dataset or "", model=model or "",
            )
            st.session_state["imported"] = brought, left
        except LrdashError as fault:
            st.error(str(fault), icon=":material/error:")
            return
        st.rerun()


def _tell(brought: list[Brought], left: list[str]) -> None:
    new = [one for one in brought if one.new]
    old = len(brought) - len(new)
    parts = [f"{len(new)} {'run' if len(new) == 1 else 'runs'} imported"] if new else []
    if old:
        parts.append(f"{old} {'was' if old == 1 else 'were'} there already")
    st.success(", ".join(parts) + ".", icon=":material/check_circle:")
    told = [(one.name, one.remarks) for one in brought if one.remarks]
    if told:
        st.caption("  \n".join(
            f"{wording.escaped(name)}: {wording.escaped(' '.join(remarks))}"
            for name, remarks in told[:10]
        ))
    if left:
        st.warning("  \n".join(map(wording.escaped, left)), icon=":material/warning:")
