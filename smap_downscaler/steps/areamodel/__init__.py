"""`trainareamodel`: the area-to-point model, which looks below SMAP's cells."""
