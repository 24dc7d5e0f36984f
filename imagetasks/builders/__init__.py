"""One build engine a module, all behind the interface in :mod:`imagetasks.builders.base`."""
