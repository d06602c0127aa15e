"""Draw the pictures of docs/office.zh-CN.md: `python docs/make_office_images.py out/district`.

The folder is one in which examples/cn-ogi/2021/district/run.sh has run. Needs LibreOffice and poppler.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

IMAGES = Path(__file__).parent / "images"
# Picture: file, page, dots per inch, and where the part that is shown begins and ends, in millimetres.
PICTURES = {
    "office-workbook": ("台账/第一轮/台账.xlsx", 1, 86, (5, 5, 293, 180)),
    "office-notice": ("通知/第一轮/望河区民政局2023年更正通知.docx", 1, 70, (18, 22, 192, 264)),
    "office-signoff": ("台账/第三轮/审签单/望河区教育局2023年审签单.docx", 1, 60, (18, 22, 192, 242)),
    "office-draft": ("汇总/已作废/望河区2023年（缺1家，仅为草稿）.docx", 1, 60, (18, 18, 192, 240)),
    "office-report": ("汇总/望河区2023年.docx", 3, 60, (18, 18, 192, 246)),
}


def main(folder: Path) -> None:
    """Draw every picture from the files of `folder`."""
    with TemporaryDirectory() as made:
        for number, (name, (file, page, dots, box)) in enumerate(PICTURES.items()):
            source = Path(made) / f"{number}{Path(file).suffix}"
            source.write_bytes((folder / file).read_bytes())
            profile = f"-env:UserInstallation={(Path(made) / 'profile').as_uri()}"
            convert = ["soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", made, str(source)]
            subprocess.run(convert, check=True, capture_output=True)
            left, top, right, bottom = (round(part / 25.4 * dots) for part in box)
            part = ["-x", left, "-y", top, "-W", right - left, "-H", bottom - top]
            draw = ["pdftoppm", "-png", "-r", dots, "-f", page, "-l", page, *part, "-singlefile"]
            subprocess.run([*map(str, draw), str(source.with_suffix(".pdf")), str(IMAGES / name)], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
