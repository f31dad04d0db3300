package soar

import (
	"regexp"
	"strconv"
	"strings"
)

// What depends on Options.ServerVersion (contract: §0, §1.6, §2 to §5):
//
//	before v31  rows have no version
//	before v44  nothing has playbooks
//	before v45  hashes are not split
//	before v51  a GET of an unknown route is 404, cells without a value are
//	            missing, artifacts tell their creator, attachments and the orgs
//	            of a session lack their newer keys, and the const names the
//	            version as major.minor.build

// ValidVersion reports whether a text is a version as a server of that age
// writes it: 46.2.8131 before v51 and 51.0.9.0.20848 from there on.
func ValidVersion(text string) bool {
	return regexp.MustCompile(`^(?:[1-4]?[0-9]|50)(?:\.[0-9]{1,9}){2}$|^(?:5[1-9]|[6-9][0-9])(?:\.[0-9]{1,9}){4}$`).MatchString(text)
}

// numbers are the parts of the server's version.
func (o *Options) numbers() []int {
	var all []int
	for part := range strings.SplitSeq(o.ServerVersion, ".") {
		n, _ := strconv.Atoi(part) // 0 where it is no number: see ValidVersion
		all = append(all, n)
	}
	return all
}

// before reports whether the server is older than a major version.
func (o *Options) before(major int) bool { return o.numbers()[0] < major }

func (o *Options) versionDTO() object {
	n := append(o.numbers(), 0, 0, 0, 0, 0) // so that there is one of each
	dto := object{"major": n[0], "minor": n[1], "build_number": n[2], "version": o.ServerVersion}
	if !o.before(51) {
		dto["build_number"] = n[4]
		dto["v"], dto["r"], dto["m"], dto["f"] = n[0], n[1], n[2], n[3]
	}
	return dto
}

// getConst is GET /rest/const, of which only what a client of incidents reads
// (contract: §1.10).
func (s *Server) getConst(*call) (any, error) {
	return object{
		"max_artifact_mb": s.opt.MaxAttachmentMB, "max_attachment_mb": s.opt.MaxAttachmentMB, "max_artifacts": 500, "max_img_mb": 5,
		"max_page_size": maxPageSize, "min_session_timeout": 300, "max_session_timeout": 86400,
		"server_version":    s.opt.versionDTO(),
		"incident_statuses": object{active: object{"id": active, "name": "Active"}, closed: object{"id": closed, "name": "Closed"}},
		"task_statuses":     object{"O": object{"id": "O", "name": "Open"}, "C": object{"id": "C", "name": "Closed"}},
		"action_object_types": object{"0": "Incident", "1": "Task", "2": "Note", "3": "Milestone", "4": "Artifact", "5": "Attachment",
			"13": "Email Message"},
	}, nil
}
