/** A job's hold on its checkpoints: the storage, the ownership of its folder, the coordinator, what attempts start from. */
