module faaslet

go 1.24
