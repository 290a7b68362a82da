#include "state/checkpoint/operator_objects.h"

namespace weir {

std::vector<const proto::StateObject*> OwnObjects(const proto::OperatorSnapshot& snapshot) {
  std::vector<const proto::StateObject*> objects;
  if (snapshot.has_state()) objects.push_back(&snapshot.state());
  const proto::OperatorStateSnapshot& of_function = snapshot.operator_state();
  if (of_function.has_lists()) objects.push_back(&of_function.lists());
  if (of_function.has_union_lists()) objects.push_back(&of_function.union_lists());
  if (of_function.has_broadcast()) objects.push_back(&of_function.broadcast());
  return objects;
}

std::vector<proto::StateObject*> MutableOwnObjects(proto::OperatorSnapshot* snapshot) {
  std::vector<proto::StateObject*> objects;
  if (snapshot->has_state()) objects.push_back(snapshot->mutable_state());
  if (!snapshot->has_operator_state()) return objects;
  proto::OperatorStateSnapshot& of_function = *snapshot->mutable_operator_state();
  if (of_function.has_lists()) objects.push_back(of_function.mutable_lists());
  if (of_function.has_union_lists()) objects.push_back(of_function.mutable_union_lists());
  if (of_function.has_broadcast()) objects.push_back(of_function.mutable_broadcast());
  return objects;
}

}  // namespace weir
