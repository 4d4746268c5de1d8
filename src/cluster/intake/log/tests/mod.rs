mod follower;
mod following;
