import subprocess
import sys


def test_the_command_line_loads_no_compiler() -> None:
    """`marsad --help` need not wait for numba, which only those load who code occupations."""
    code = "import sys, deploy.cli; sys.exit('numba' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
