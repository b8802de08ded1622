// One of several processes fails while the others wait for it: none may wait forever.

#include <iostream>

#include "coca/training/mpi_communicator.hpp"

int main() {
  try {
    const coca::MpiCommunicator processes;
    if (processes.rank() == 1) throw coca::Error("process 1 has met an error");
    processes.barrier();
  } catch (const coca::Error& error) {
    std::cerr << error.what() << std::endl;
    return 3;
  }
  return 0;
}
