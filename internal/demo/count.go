package demo

import (
	"strings"

	"github.com/sepwatch/sepwatch/internal/simulate/alert"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

// tally compares what stands in Resilient with what is sent.
func tally(alerts []alert.Alert, incidents []soar.Incident) Summary {
	byComputer := make(map[string][]soar.Incident)
	s := Summary{Mails: len(alerts)}
	for _, inc := range incidents {
		if !inc.Open {
			continue // closed as a duplicate
		}
		s.Incidents++
		s.Artifacts += len(inc.Artifacts)
		s.Rows += len(inc.Rows)
		byComputer[computerOf(inc)] = append(byComputer[computerOf(inc)], inc)
	}
	for _, a := range alerts {
		found := byComputer[a.Computer]
		delete(byComputer, a.Computer)
		if len(found) > 0 {
			s.Alerts++
		}
		lost, duplicates := compare(a, found)
		if lost {
			s.Lost++
		}
		s.Duplicates += duplicates
	}
	for _, unknown := range byComputer {
		s.Duplicates += len(unknown) // nobody sent such an alert
	}
	return s
}

// computerOf names the incident's computer by the artifact that was created
// with it.
func computerOf(inc soar.Incident) string {
	for _, a := range inc.Artifacts {
		if a.Type == "System Name" {
			return a.Value
		}
	}
	return ""
}

// compare says whether anything of the alert is missing in the incidents
// found for it, and how much stands there more than once.
func compare(a alert.Alert, found []soar.Incident) (lost bool, duplicates int) {
	if len(found) == 0 {
		return true, 0
	}
	duplicates = len(found) - 1
	inc := found[0]
	missing := artifacts(a)
	for _, artifact := range inc.Artifacts {
		key := [2]string{artifact.Type, artifact.Value}
		if !missing[key] {
			duplicates++
		}
		delete(missing, key)
	}
	rows := 0
	for _, row := range inc.Rows {
		if row.Table == "sep_endpoint_details" && row.Cells["uniqueId"] == a.ID {
			rows++
		} else {
			duplicates++ // nothing else belongs there
		}
	}
	duplicates += max(0, rows-1) + len(inc.Notes)
	return len(missing) > 0 || rows == 0, duplicates
}

// artifacts are what the alert's incident must carry, by type and value.
func artifacts(a alert.Alert) map[[2]string]bool {
	file := a.Path[strings.LastIndexByte(a.Path, '\\')+1:]
	return map[[2]string]bool{
		{"File Path", a.Path}:              true,
		{"File Name", file}:                true,
		{"System Name", a.Computer}:        true,
		{"IP Address", a.Address}:          true,
		{"User Account", a.User}:           true,
		{"Malware Family/Variant", a.Risk}: true,
	}
}
