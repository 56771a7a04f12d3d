"""The methods that the nonconvex papers are compared with: does compression cost them anything?"""
