"""The engine room: runs of records folded in fenced transactions, on Faust. It knows no labour market."""
