#include "coca/backend/cpu/bounded_spinning.hpp"

#include <cstdlib>
#include <optional>
#include <string>

#include "catch.hpp"

namespace {

// The environment as it was, afterwards.
class KeptVariable {
 public:
  explicit KeptVariable(const char* name) : name_(name) {
    if (const char* value = std::getenv(name)) value_ = value;
  }
  KeptVariable(const KeptVariable&) = delete;
  KeptVariable& operator=(const KeptVariable&) = delete;
  ~KeptVariable() { set(value_ ? value_->c_str() : nullptr); }

  void set(const char* value) const {
    if (value == nullptr)
      ::unsetenv(name_);
    else
      ::setenv(name_, value, 1);
  }

 private:
  const char* name_;
  std::optional<std::string> value_;
};

}  // namespace

TEST_CASE("Spinning has no bound unless the environment has one") {
  const KeptVariable policy("OMP_WAIT_POLICY"), count("GOMP_SPINCOUNT");
  const auto spins = [&](const char* policy_value, const char* count_value) {
    policy.set(policy_value);
    count.set(count_value);
    return coca::detail::spins_without_bound();
  };
  CHECK(spins(nullptr, nullptr));
  CHECK(spins("active", nullptr));
  CHECK_FALSE(spins("passive", nullptr));
  CHECK_FALSE(spins("PASSIVE", nullptr));
  CHECK_FALSE(spins("active", "1000"));
  CHECK_FALSE(spins(nullptr, "0"));
}

TEST_CASE("An existing bound does not restart the program") {
  const KeptVariable count("GOMP_SPINCOUNT");
  count.set("5");
  char* arguments[] = {nullptr};
  coca::bound_spinning(arguments);
  CHECK(std::string(std::getenv("GOMP_SPINCOUNT")) == "5");
}
