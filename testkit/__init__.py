"""What tests and benches share: displays and programs on them, stores and PCs, sound servers, fakes. Of no product."""
