//! Approvals drafted from workloads, for people to review.
