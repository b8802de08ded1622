#include "coca/io/pickle_calls.hpp"

#include "catch.hpp"
#include "pickle_bytes.hpp"

using namespace coca;
using coca_test::contains;
using coca_test::pickle_refusal;
using coca_test::unpickle_as;

namespace {
std::string storage_id(const std::string& rest) {
  return std::string("(") + std::string("X\x07\0\0\0storage", 12) + "ctorch\nHalfStorage\n" +
         std::string(
             "X\1\0\0\0"
             "7",
             6) +
         std::string("X\3\0\0\0cpu", 8) + rest + "tQ";
}
std::string tensor(const std::string& function, const std::string& arguments) {
  return "ctorch._utils\n" + function + "\n(" + storage_id("K\x08") + arguments + "tR";
}
}  // namespace

TEST_CASE("storages and tensors are described, not loaded") {
  const auto block = unpickle_as<PickleStorage>(storage_id("K\x08") + ".");
  CHECK(block.key == "7");
  CHECK(block.dtype == DType::F16);
  CHECK(block.elements == 8);
  const auto view = unpickle_as<PickleTensor>(
      tensor("_rebuild_tensor_v2", "K\x01K\x02K\x03\x86K\x01K\x02\x86\x89}") + ".");
  CHECK(view.offset == 1);
  CHECK(view.shape == std::vector<std::uint64_t>{2, 3});
  CHECK(view.strides == std::vector<std::uint64_t>{1, 2});
  const auto parameter = unpickle_as<PickleTensor>(
      "ctorch._utils\n_rebuild_parameter\n(" +
      tensor("_rebuild_tensor_v2", "K\x01K\x02\x85K\x01\x85\x89}") + "\x88}tR.");
  CHECK(parameter.shape == std::vector<std::uint64_t>{2});
  const auto other = unpickle_as<PickleTensor>(
      tensor("_rebuild_tensor_v3", "K\x03K\x02\x85K\x01\x85\x89}ctorch\nbfloat16\n}") + ".");
  CHECK(other.type_override == "torch.bfloat16");
  const auto with_state = unpickle_as<PickleTensor>(
      "ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_"
      "v2\nctorch\nTensor\n(" +
      storage_id("K\x08") + "K\x03K\x02\x85K\x01\x85\x89}t}tR.");
  CHECK(with_state.shape == std::vector<std::uint64_t>{2});
}

TEST_CASE("tensors with impossible arguments are refused") {
  const auto refused = [](const std::string& arguments) {
    return pickle_refusal(tensor("_rebuild_tensor_v2", arguments) + ".");
  };
  const std::string minus_one("J\xff\xff\xff\xff", 5);
  CHECK(
      contains(refused(minus_one + "K\x02\x85K\x01\x85"), "gives torch._utils._rebuild_tensor_v2"));
  CHECK(contains(refused("K\x01" + minus_one + "\x85K\x01\x85"), "other arguments than"));
  CHECK(contains(refused("K\x01K\x02\x85" + minus_one + "\x85"), "other arguments than"));
  CHECK(contains(refused("K\x01K\x02\x85K\x01K\x01\x86"), "other arguments than"));
  CHECK(contains(refused("K\x01"), "other arguments than"));
  CHECK(contains(pickle_refusal(storage_id(minus_one) + "."), "is not a tensor storage"));
  CHECK(contains(pickle_refusal("K\x01Q."), "is not a tensor storage"));
  CHECK(contains(pickle_refusal(storage_id("K\x08K\x01") + "."), "a view of another storage"));
  CHECK(contains(pickle_refusal("ctorch._utils\n_rebuild_parameter\n)R."), "other arguments than"));
}

TEST_CASE("containers of the standard library") {
  CHECK(unpickle_as<PickleDict>("ccollections\nOrderedDict\n)R.").items.empty());
  CHECK(unpickle_as<PickleDict>("ccollections\nOrderedDict\n(lK\1K\2\x86"
                                "a\x85R.")
            .items.size() == 1);
  CHECK(unpickle_as<PickleDict>("ccollections\ndefaultdict\ncbuiltins\nint\n\x85R.").items.empty());
  CHECK(unpickle_as<PickleTuple>("ctorch\nSize\nK\1K\2\x86\x85R.").items.size() == 2);
  CHECK(unpickle_as<PickleObject>("cargparse\nNamespace\n)\x81}b.").type == "argparse.Namespace");
  CHECK(unpickle_as<PickleObject>(
            "ccopy_reg\n_reconstructor\n(cargparse\nNamespace\nc__builtin__\nobject\nNtR}b.")
            .type == "argparse.Namespace");
  CHECK(unpickle_as<PickleGlobal>("ctorch\nfloat16\n.").name == "float16");
}

TEST_CASE("every way to call something else is refused by its name") {
  const auto names_it = [](const std::string& pickle, const std::string& name) {
    const std::string message = pickle_refusal(pickle);
    INFO(message);
    CHECK(
        contains(message, "memory: the pickle tries to call " + name + ", which no weights need"));
  };
  names_it("cos\nsystem\n(S'ls'\ntR.", "os.system");                    // REDUCE, protocol 0
  names_it("(S'ls'\nios\nsystem\n.", "os.system");                      // INST
  names_it("(cos\nsystem\nS'ls'\no.", "os.system");                     // OBJ
  names_it("csubprocess\nPopen\n(S'ls'\nt\x81.", "subprocess.Popen");   // NEWOBJ
  names_it("csubprocess\nPopen\n(S'ls'\nt}\x92.", "subprocess.Popen");  // NEWOBJ_EX
  names_it("\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02ls\x85R.", "posix.system");
  names_it("cx\nY\n}S'__setstate__'\ncos\nsystem\nsbS'ls'\nb.", "x.Y");  // BUILD on a class
  names_it("ccopyreg\n_reconstructor\n(cos\nsystem\nNNtR.", "os.system");
  names_it("ctorch._tensor\n_rebuild_from_type_v2\n(cos\nsystem\nN)NtR.", "os.system");
  names_it("c__builtin__\neval\n(S'1'\ntR.", "__builtin__.eval");
  names_it("cbuiltins\ngetattr\n(S'1'\ntR.", "builtins.getattr");
  names_it("ctorch\nload\n(S'1'\ntR.", "torch.load");
  names_it("ctorch._utils\n_rebuild_tensor_v2.__globals__\n)R.",
           "torch._utils._rebuild_tensor_v2.__globals__");
  CHECK(contains(pickle_refusal("K\1)R."), "calls something that is not a function"));
  CHECK(contains(pickle_refusal("(lK\1b."), "sets the state of something that has none"));
}

TEST_CASE("calls that copy count towards the limit") {
  // A list of 40 items, copied again and again.
  std::string pickle = "(l(";
  for (int i = 0; i < 40; ++i) pickle += "N";
  pickle += "eq\1";
  for (int i = 0; i < 10; ++i) pickle += "ctorch\nSize\nh\1\x85R0";
  CHECK(pickle_refusal(pickle + ".") == "no error");
  CHECK(contains(pickle_refusal(pickle + ".", {.max_values = 100}), "copies too many values"));
}

TEST_CASE("a long text that is copied again and again counts too") {
  // The name of a module, 10,000 bytes, named 40 times.
  const std::string text("X\x10\x27\0\0", 5);
  std::string pickle = text + std::string(10'000, 'm') + "q\1(";
  for (int i = 0; i < 40; ++i) pickle += "h\1h\1\x93";
  pickle += "t.";
  CHECK(pickle_refusal(pickle) == "no error");
  CHECK(contains(pickle_refusal(pickle, {.max_values = 1000}), "copies too many values"));
}
