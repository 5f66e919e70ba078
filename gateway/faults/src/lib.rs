//! A scripted provider: plays faults on a real socket and logs what reached it.
