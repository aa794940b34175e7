"""What people see while runs go on: on a terminal, in a notebook, in plain lines."""
