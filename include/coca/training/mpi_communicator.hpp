#pragma once
/// @file
/// Training shared by processes that `mpirun` started. The only header that includes MPI, and reads
/// COCA_HAS_MPI; it is not in coca.hpp.
///
/// @code
/// const coca::MpiCommunicator processes;  // where an exception destroys it, such as in a try
/// coca::Trainer trainer(model, subject, options, events, processes);
/// @endcode

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/autograd/context.hpp"
#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/features.hpp"
#include "coca/training/communicator.hpp"

#if COCA_HAS_MPI
#include <mpi.h>
#endif

namespace coca {

/// Whether this process is one of those that mpirun (of Open MPI, MPICH or Intel MPI) or a batch
/// system's launcher started.
inline bool started_by_mpi() noexcept {
  constexpr std::array names{"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_SIZE"};
  return std::any_of(names.begin(), names.end(),
                     [](const char* name) { return std::getenv(name) != nullptr; });
}

#if COCA_HAS_MPI

namespace detail {

/// @throws Error with MPI's message if a call failed.
inline void expect_mpi(int status, const char* call) {
  if (status == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(status, text.data(), &length);
  throw Error(std::string(call) + ": " +
              std::string(text.data(), static_cast<std::size_t>(length)));
}

template <class T>
MPI_Datatype mpi_type() {
  static_assert(std::same_as<T, float> || std::same_as<T, double>,
                "gradients are summed in float or double");
  return std::same_as<T, float> ? MPI_FLOAT : MPI_DOUBLE;
}

/// @throws ShapeError for more elements than MPI can count.
inline int mpi_count(std::size_t size) {
  if (size > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    throw ShapeError("MPI cannot send " + counted(size, "element") + " at once");
  return static_cast<int>(size);
}

/// Calls transfer(pointer, count) for pieces that MPI can count.
template <class T, class Transfer>
void in_pieces(T* first, std::size_t size, const Transfer& transfer) {
  constexpr std::size_t largest = std::size_t{1} << 30;
  for (std::size_t done = 0; done < size; done += largest)
    transfer(first + done, static_cast<int>(std::min(largest, size - done)));
}

/// The processes and this one's rank. The last copy of a communicator finalises MPI, if the
/// first one initialised it.
class MpiGroup {
 public:
  MpiGroup() {
    int started = 0, ended = 0;
    MPI_Initialized(&started);
    MPI_Finalized(&ended);
    if (ended != 0)
      throw Error("MPI has already been finalised in this process and cannot be initialised again");
    if (started == 0 && !started_by_mpi()) return;  // a single process
    if (started == 0) start();
    steps_ = duplicate();
    gradients_ = duplicate();
    int rank = 0, size = 0;
    expect_mpi(MPI_Comm_rank(steps_, &rank), "MPI_Comm_rank");
    expect_mpi(MPI_Comm_size(steps_, &size), "MPI_Comm_size");
    rank_ = static_cast<std::size_t>(rank);
    size_ = static_cast<std::size_t>(size);
  }
  MpiGroup(const MpiGroup&) = delete;
  MpiGroup& operator=(const MpiGroup&) = delete;

  /// MPI's end waits for all processes. One that an exception leads out of here must not: the
  /// others may be waiting for it elsewhere. mpirun ends them when it is gone.
  ~MpiGroup() {
    int ended = 0;
    MPI_Finalized(&ended);
    if (steps_ == MPI_COMM_NULL || ended != 0 || std::uncaught_exceptions() > exceptions_) return;
    MPI_Comm_free(&steps_);
    MPI_Comm_free(&gradients_);
    if (is_mine_) MPI_Finalize();
  }

  std::size_t rank() const noexcept { return rank_; }
  std::size_t size() const noexcept { return size_; }
  MPI_Comm steps() const noexcept { return steps_; }
  /// Separate from everything else, so that sums may begin at any time.
  MPI_Comm gradients() const noexcept { return gradients_; }

 private:
  void start() {
    int provided = MPI_THREAD_SINGLE;
    expect_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided),
               "MPI_Init_thread");
    is_mine_ = true;
    if (provided < MPI_THREAD_FUNNELED)
      throw Error("this MPI library cannot be used by a program that has threads");
  }

  static MPI_Comm duplicate() {
    MPI_Comm copy = MPI_COMM_NULL;
    expect_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &copy), "MPI_Comm_dup");
    MPI_Comm_set_errhandler(copy, MPI_ERRORS_RETURN);
    return copy;
  }

  MPI_Comm steps_ = MPI_COMM_NULL, gradients_ = MPI_COMM_NULL;
  std::size_t rank_ = 0, size_ = 1;
  bool is_mine_ = false;
  int exceptions_ = std::uncaught_exceptions();
};

/// The elements of an array where MPI finds them: in place, or, for memory of a device, in a copy.
template <Backend B>
class MpiElements {
 public:
  using T = typename B::value_type;
  static constexpr bool in_place = std::same_as<typename B::memory_type, HostMemory>;

  explicit MpiElements(const B& backend, Array<B> array)
      : backend_(backend), array_(std::move(array)) {
    if constexpr (in_place)
      backend_.synchronize();
    else
      copy_.resize(array_.size());
  }

  std::size_t size() const { return array_.size(); }

  T* data() {
    if constexpr (in_place)
      return array_.data();
    else
      return copy_.data();
  }

  void read() {
    if constexpr (!in_place) backend_.copy_out(array_, std::span<T>(copy_));
  }

  void write() {
    if constexpr (!in_place) backend_.copy_in(std::span<const T>(copy_), array_);
  }

 private:
  B backend_;
  Array<B> array_;
  std::vector<T> copy_;
};

}  // namespace detail

/// A sum over all processes in progress; see Reduction.
template <Backend B>
class MpiReduction {
 public:
  /// @throws Error if MPI reports one.
  MpiReduction(std::shared_ptr<const detail::MpiGroup> group, const B& backend,
               const Array<B>& array)
      : group_(std::move(group)), elements_(backend, array) {
    if (group_->size() == 1) return;
    elements_.read();
    detail::in_pieces(elements_.data(), elements_.size(), [&](auto* piece, int count) {
      requests_.push_back(MPI_REQUEST_NULL);
      detail::expect_mpi(
          MPI_Iallreduce(MPI_IN_PLACE, piece, count, detail::mpi_type<typename B::value_type>(),
                         MPI_SUM, group_->gradients(), &requests_.back()),
          "MPI_Iallreduce");
    });
  }
  MpiReduction(MpiReduction&&) noexcept = default;
  MpiReduction& operator=(MpiReduction&& other) noexcept {
    finish();
    group_ = std::move(other.group_);
    elements_ = std::move(other.elements_);
    requests_ = std::exchange(other.requests_, {});
    return *this;
  }
  ~MpiReduction() { finish(); }

  /// @throws Error if MPI reports one.
  void progress() {
    if (requests_.empty()) return;
    int done = 0;
    detail::expect_mpi(MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &done,
                                   MPI_STATUSES_IGNORE),
                       "MPI_Testall");
  }

  /// @throws Error if MPI reports one.
  void wait() {
    if (requests_.empty()) return;
    detail::expect_mpi(finish(), "MPI_Waitall");
    elements_.write();
  }

 private:
  int finish() noexcept {
    if (requests_.empty()) return MPI_SUCCESS;
    const int status =
        MPI_Waitall(static_cast<int>(requests_.size()), requests_.data(), MPI_STATUSES_IGNORE);
    requests_.clear();
    return status;
  }

  std::shared_ptr<const detail::MpiGroup> group_;
  detail::MpiElements<B> elements_;
  std::vector<MPI_Request> requests_;
};

/// The processes that mpirun started; a program started without it is a single process. Reductions
/// and steps use MPI from one thread, the one that made the first communicator.
class MpiCommunicator {
 public:
  /// Initialises MPI, unless it is initialised, or there is only this process.
  /// @throws Error if MPI reports one; UnavailableError for many processes without MPI.
  MpiCommunicator() : group_(std::make_shared<detail::MpiGroup>()) {}

  std::size_t rank() const noexcept { return group_->rank(); }
  std::size_t size() const noexcept { return group_->size(); }

  /// Added up by rank, so that the bits are the same everywhere. @throws Error if MPI reports
  /// one.
  std::vector<double> sum(std::vector<double> numbers) const {
    if (size() == 1) return numbers;
    const std::vector<double> all = gather(numbers);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      numbers[i] = 0;
      for (std::size_t rank = 0; rank < size(); ++rank)
        numbers[i] += all[rank * numbers.size() + i];
    }
    return numbers;
  }

  /// @throws ShapeError if the processes' features differ in shape, Error if MPI reports one.
  template <DifferentiableBackend B>
  Array<B> all_gather(Context<B>& context, const Array<B>& features) const {
    if (size() == 1) return features;
    expect_same_shape(features.shape());
    const Array<B> all = context.empty(Shape{size() * features.shape()[0], features.shape()[1]});
    detail::MpiElements<B> own(context.backend(), features), gathered(context.backend(), all);
    own.read();
    const int count = detail::mpi_count(own.size());
    const MPI_Datatype type = detail::mpi_type<typename B::value_type>();
    detail::expect_mpi(
        MPI_Allgather(own.data(), count, type, gathered.data(), count, type, group_->steps()),
        "MPI_Allgather");
    gathered.write();
    Tape<B>* tape = context.tape();
    if (tape != nullptr && tape->follows(features))
      tape->record(all, [group = group_, &context, tape, features, all] {
        tape->give(features, own_sum(*group, context, features.shape(), tape->gradient(all)));
      });
    return all;
  }

  /// @throws Error if MPI reports one.
  template <DifferentiableBackend B>
  MpiReduction<B> start_all_reduce(Context<B>& context, const Array<B>& gradients) const {
    return {group_, context.backend(), gradients};
  }

  /// @throws Error if MPI reports one.
  template <DifferentiableBackend B>
  void broadcast(Context<B>& context, const Array<B>& values) const {
    if (size() == 1) return;
    detail::MpiElements<B> elements(context.backend(), values);
    elements.read();
    detail::in_pieces(elements.data(), elements.size(), [&](auto* piece, int count) {
      detail::expect_mpi(
          MPI_Bcast(piece, count, detail::mpi_type<typename B::value_type>(), 0, group_->steps()),
          "MPI_Bcast");
    });
    elements.write();
  }

  /// @throws Error if MPI reports one.
  void barrier() const {
    if (size() != 1) detail::expect_mpi(MPI_Barrier(group_->steps()), "MPI_Barrier");
  }

 private:
  // Lists of one length, by rank.
  std::vector<double> gather(const std::vector<double>& numbers) const {
    std::vector<double> all(size() * numbers.size());
    const int count = static_cast<int>(numbers.size());
    detail::expect_mpi(MPI_Allgather(numbers.data(), count, MPI_DOUBLE, all.data(), count,
                                     MPI_DOUBLE, group_->steps()),
                       "MPI_Allgather");
    return all;
  }

  void expect_same_shape(const Shape& shape) const {
    if (shape.rank() != 2)
      throw ShapeError("all_gather: got " + to_string(shape) + ", expected rows of features");
    const std::vector<double> all =
        gather({static_cast<double>(shape[0]), static_cast<double>(shape[1])});
    const auto of = [&](std::size_t rank) {
      return Shape{static_cast<std::size_t>(all[2 * rank]),
                   static_cast<std::size_t>(all[2 * rank + 1])};
    };
    for (std::size_t rank = 1; rank < size(); ++rank)
      if (of(rank) != of(0))
        throw ShapeError("the batches of all processes must be of one size: process " +
                         std::to_string(rank) + " has features " + to_string(of(rank)) +
                         ", process 0 has " + to_string(of(0)));
  }

  // Of gradients [size * n, width] the rows of this process, summed over all.
  template <DifferentiableBackend B>
  static Array<B> own_sum(const detail::MpiGroup& group, Context<B>& context, const Shape& shape,
                          const Array<B>& gradient) {
    const Array<B> own = context.empty(shape);
    detail::MpiElements<B> all(context.backend(), gradient), sum(context.backend(), own);
    all.read();
    detail::expect_mpi(MPI_Reduce_scatter_block(
                           all.data(), sum.data(), detail::mpi_count(sum.size()),
                           detail::mpi_type<typename B::value_type>(), MPI_SUM, group.steps()),
                       "MPI_Reduce_scatter_block");
    sum.write();
    return own;
  }

  std::shared_ptr<const detail::MpiGroup> group_;
};

#else

/// A single process: this build has no MPI.
class MpiCommunicator : public SingleProcess {
 public:
  /// @throws UnavailableError if mpirun has started the program: this build has no MPI.
  MpiCommunicator() {
    if (started_by_mpi())
      throw UnavailableError(
          "training with several processes needs MPI, which this build of coca does not have");
  }
};

#endif

}  // namespace coca
