# For `conftest test`: a CronJob must be approved under its namespace and the name of its job, and be as approved.
# The approvals are an object, so that finding one is a look-up and not a search.
package main

cron_job := input

pod := cron_job.spec.jobTemplate.spec.template.spec

# Instances of a job have its name and a number.
job := substring(name, 0, count(name) - count(number) - 1) if {
	name := cron_job.metadata.name
	parts := split(name, "-")
	number := parts[count(parts) - 1]
}

key := concat("/", [cron_job.metadata.namespace, job])

approval := data.approvals[key]

containers contains container if some container in pod.containers

containers contains container if some container in pod.initContainers

service_account := object.get(pod, "serviceAccountName", "default")

from_repository(image, repository) if startswith(image, concat("", [repository, ":"]))

from_repository(image, repository) if startswith(image, concat("", [repository, "@"]))

from_repository(image, repository) if image == repository

any_repository(image) if {
	some repository in approval.repositories
	from_repository(image, repository)
}

result(text) := {"msg": text, "workload": cron_job.metadata.name}

deny contains result(msg) if {
	not approval
	msg := sprintf("nobody approved %s", [key])
}

deny contains result(msg) if {
	cron_job.spec.schedule != approval.schedule
	msg := sprintf("the schedule %q is not %q", [cron_job.spec.schedule, approval.schedule])
}

deny contains result(msg) if {
	service_account != approval.serviceAccount
	msg := sprintf("the service account %s is not %s", [service_account, approval.serviceAccount])
}

deny contains result(msg) if {
	approval
	some container in containers
	not any_repository(container.image)
	msg := sprintf("the image %s of %s is not approved", [container.image, container.name])
}

deny contains result(msg) if {
	some container in containers
	container.securityContext.privileged
	msg := sprintf("%s is privileged", [container.name])
}

deny contains result(msg) if {
	some volume in pod.volumes
	volume.hostPath
	msg := sprintf("the volume %s is a path of the node", [volume.name])
}
