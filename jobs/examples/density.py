import nasweep

nasweep.serve(lambda architecture: architecture.macs / architecture.params, long_name="multiply-adds a parameter")
