"""`python -m lrdash` is `lrdash`."""

from lrdash.cli import main

if __name__ == "__main__":
    main()
