"""Masking kernels, compiled by numba: each the twin of a plain function, and equal to it.

They work on octets as COPY brings them. A value that a kernel does not take (letters it cannot
fold, a fake that is somebody's original) is left to the plain function.
"""
