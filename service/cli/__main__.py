"""`python -m service.cli`: the same as `adductor`, for the parts that `adductor up` starts."""

from service.cli import main

main()
