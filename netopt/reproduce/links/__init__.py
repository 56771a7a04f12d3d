"""What methods are worth on links that take time: seconds to an accuracy, by an emulated clock."""
