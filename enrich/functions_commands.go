package enrich

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// scanEndpoints is "SEP - Scan Endpoints" (guide §5.1).
func scanEndpoints() Function {
	inputs := []incident.InputDef{
		computerIDsInput(), groupIDsInput(),
		{Name: "sep_scan_type", Type: incident.InputSelect, Required: true, Values: []string{"QUICK_SCAN", "FULL_SCAN"},
			Help: "SEP EOC scan type. Possible values are: FULL_SCAN and QUICK_SCAN."},
	}
	inputs = append(inputs, fileInputs()...)
	return Function{
		FunctionDef: incident.FunctionDef{
			Name: "fn_sep_scan_endpoints", Title: "SEP - Scan Endpoints",
			Help: "Starts a scan of endpoints for a file, by its name, path or hash, or has it remediated by its hash. Windows endpoints only.",
			Inputs: append(inputs,
				incident.InputDef{Name: "sep_description", Type: incident.InputText, Help: "Scan description."},
				incident.InputDef{Name: "sep_scan_action", Type: incident.InputSelect, Values: []string{"scan", "remediate"}, Default: "scan",
					Help: "Action to be performed during a scan."},
			),
		},
		Changes: true,
		Keys:    commandKeys("commandID_computer, commandID_group"),
		Differs: []string{
			"A fleet that takes several requests has several ids in one text, parted by commas; sep_commandid of Get Command Status takes such a text.",
			"One of file path, MD5, SHA-1 and SHA-256 is taken, and to remediate one hash: the path beside it is left out, by which clients report UNSUPPORTED.",
			"What is written into the scan is escaped, and a scan by hash alone names no file.",
			"To remediate on all of a group takes allow_group_targets in the configuration.",
		},
		call: callScan,
	}
}

func callScan(ctx context.Context, c call) (Output, error) {
	targets, err := c.targets()
	if err != nil {
		return Output{}, err
	}
	hash, err := c.hash()
	if err != nil {
		return Output{}, err
	}
	path := c.in["sep_file_path"]
	scan := sepclient.Scan{
		Full: c.in["sep_scan_type"] == "FULL_SCAN", Remediate: c.in["sep_scan_action"] == "remediate",
		Description: cmp.Or(c.in["sep_description"], "Scan for "+cmp.Or(hash.Value, path)),
		Evidence:    []sepclient.Evidence{{Name: path, Hash: hash}},
	}
	operation := incident.OpScan
	switch {
	case path == "" && hash == (sepclient.FileHash{}):
		return Output{}, c.fault("sep_file_path", "is missing: give a file's path or name, or one of its hashes")
	case scan.Remediate && hash == (sepclient.FileHash{}):
		return Output{}, c.fault("sep_scan_action", "is remediate, which works by hash only: give one of sep_sha256, sep_sha1 and sep_md5")
	case scan.Remediate:
		operation = incident.OpRemediate
		if len(targets.Groups) > 0 && !c.AllowGroupTargets {
			return Output{}, c.groupsForbidden()
		}
	case path != "" && hash != (sepclient.FileHash{}):
		return Output{}, c.fault("sep_file_path", "is given beside a hash: a scan is for one of them")
	}
	body := scanBody{Full: scan.Full, Description: scan.Description, Evidence: []evidenceBody{{path, hash.Kind, hash.Value}}}
	if err := c.allow(operation, incident.Target{Computers: targets.Computers, Groups: targets.Groups}, body); err != nil {
		return Output{}, err
	}
	s, err := c.sepm.Scan(ctx, targets, scan)
	return sent(s, err, "commandID_computer", nil)
}

// targets are those that are given, of which there is one at least.
func (c call) targets() (sepclient.Targets, error) {
	t := sepclient.Targets{Computers: c.in.list("sep_computer_ids"), Groups: c.in.list("sep_group_ids")}
	if len(t.Computers)+len(t.Groups) == 0 {
		return t, c.fault("sep_computer_ids", "is empty, and sep_group_ids too: name whom it is for")
	}
	return t, nil
}

func (c call) groupsForbidden() error {
	return c.fault("sep_group_ids", "would address all of a group, which the configuration does not allow: name computers in sep_computer_ids, or set sepm[].allow_group_targets to true")
}

// uploadFile is "SEP - Upload File to SEPM" (guide §5.2).
func uploadFile() Function {
	return Function{
		FunctionDef: incident.FunctionDef{
			Name: "fn_sep_upload_file_to_sepm", Title: "SEP - Upload File to SEPM",
			Help: "Makes endpoints upload a file to SEPM. Windows endpoints and executable files only.",
			Inputs: append(append([]incident.InputDef{computerIDsInput(), groupIDsInput()}, fileInputs()...),
				incident.InputDef{Name: "sep_source", Type: incident.InputText, Default: "FILESYSTEM", Values: []string{"FILESYSTEM", "QUARANTINE", "BOTH"},
					Help: "File source to search for suspicious file. Possible values are: FILESYSTEM (default), QUARANTINE, or BOTH. 12.1.x clients use FILESYSTEM only."}),
		},
		Changes: true,
		Keys:    append(commandKeys("commandID"), warningKey()),
		Differs: []string{
			"The guide has sep_group_ids, and SEPM takes no groups for this: groups beside computers are left out, with a warning; groups alone are refused.",
		},
		call: func(ctx context.Context, c call) (Output, error) {
			targets, err := c.targets()
			if err != nil {
				return Output{}, err
			}
			if len(targets.Computers) == 0 {
				return Output{}, c.fault("sep_group_ids", "is for no upload: SEPM takes computers only, in sep_computer_ids")
			}
			path := c.in["sep_file_path"]
			if path == "" {
				return Output{}, c.fault("sep_file_path", "is missing")
			}
			hash, err := c.hash()
			if err != nil {
				return Output{}, err
			}
			source := sepclient.FileSource(c.in["sep_source"])
			if err := c.allow(incident.OpUpload, incident.Target{Computers: targets.Computers}, uploadBody{path, hash.Kind, hash.Value, source}); err != nil {
				return Output{}, err
			}
			s, err := c.sepm.UploadFile(ctx, targets.Computers, sepclient.WantedFile{Path: path, Hash: hash, Source: source})
			return sent(s, err, "commandID", leftOut(targets))
		},
	}
}

// quarantineEndpoints is "SEP - Quarantine Endpoints" (guide §5.6).
func quarantineEndpoints() Function {
	return Function{
		FunctionDef: incident.FunctionDef{
			Name: "fn_sep_quarantine_endpoints", Title: "SEP - Quarantine Endpoints",
			Help: "Adds endpoints to network quarantine, or removes them from it.",
			Inputs: []incident.InputDef{
				computerIDsInput(), groupIDsInput(),
				{Name: "sep_undo", Type: incident.InputBoolean, Default: "false", Help: "Boolean value, if set to true, undoes operation."},
				{Name: "sep_hardwarekey", Type: incident.InputText, Help: "Hardware key of SEP computer, as the playbooks of fn_sep 1.2 send it. Computers are addressed by their IDs."},
			},
		},
		Changes: true,
		Keys:    append(commandKeys("commandID_computer, commandID_group"), warningKey()),
		Differs: []string{
			"Given computers and groups it addresses the computers alone, and says so: the playbooks of fn_sep 1.2 send an endpoint's group with it, and SEPM then isolates all of that group.",
			"A group alone takes allow_group_targets in the configuration.",
		},
		call: callQuarantine,
	}
}

func callQuarantine(ctx context.Context, c call) (Output, error) {
	given, err := c.targets()
	if err != nil {
		return Output{}, err
	}
	targets, warnings := given, leftOut(given)
	switch {
	case len(given.Computers) > 0:
		targets.Groups = nil
	case !c.AllowGroupTargets:
		return Output{}, c.groupsForbidden()
	}
	operation, send := incident.OpQuarantine, c.sepm.Quarantine
	if c.in.is("sep_undo") {
		operation, send = incident.OpUndoQuarantine, c.sepm.UndoQuarantine
	}
	if err := c.allow(operation, incident.Target{Computers: targets.Computers, Groups: targets.Groups}, nil); err != nil {
		return Output{}, err
	}
	s, err := send(ctx, targets)
	return sent(s, err, "commandID_computer", warnings)
}

// leftOut says that groups are left out where there are computers.
func leftOut(t sepclient.Targets) []string {
	if len(t.Computers) == 0 || len(t.Groups) == 0 {
		return nil
	}
	return []string{amount(len(t.Computers), "computer") + " addressed by id; " + amount(len(t.Groups), "group") + " beside left out"}
}

func warningKey() KeyDef {
	return KeyDef{Name: "warning", Help: "Where computers and groups were given: that the groups were left out.", New: true}
}

func commandKeys(names string) []KeyDef {
	return []KeyDef{{Name: names, Help: "The id of the command; of several, all in one text, parted by commas."}}
}

// sent is the output of a command, with the ids of that for computers under
// a key. Where a part of it failed, the ids of the others come before the error.
func sent(s sepclient.Sent, err error, computers string, warnings []string) (Output, error) {
	content := make(map[string]string)
	var lines [][]string
	for _, part := range s.Parts {
		key, targets := "commandID_group", amount(len(part.Groups), "group")
		if len(part.Computers) > 0 {
			key, targets = computers, amount(len(part.Computers), "computer")
		}
		for _, id := range part.IDs {
			content[key] = strings.TrimPrefix(content[key]+","+id, ",")
			lines = append(lines, []string{id, targets})
		}
	}
	if len(lines) == 0 {
		return Output{}, err
	}
	for _, w := range warnings {
		content["warning"] = w
	}
	out := one(content, []string{"COMMAND ID", "FOR"}, lines...)
	out.Warnings = warnings
	if err != nil {
		before := out.Items
		out.Items = func(yield func(Item, error) bool) {
			for item := range before {
				if !yield(item, nil) {
					return
				}
			}
			yield(Item{}, err)
		}
	}
	return out, nil
}

// moveEndpoint is "SEP - Move Endpoint" (guide §5.5).
func moveEndpoint() Function {
	return Function{
		FunctionDef: incident.FunctionDef{
			Name: "fn_sep_move_endpoint", Title: "SEP - Move Endpoint", Help: "Moves an endpoint to another group of its domain.",
			Inputs: []incident.InputDef{
				{Name: "sep_groupid", Type: incident.InputText, Required: true, Help: "Group ID on which to run the SEP command."},
				{Name: "sep_hardwarekey", Type: incident.InputText, Required: true, Help: "Hardware key of SEP computer."},
			},
		},
		Changes: true,
		Keys:    []KeyDef{{Name: "[]", Help: "The content is a list of one: responseCode and responseMessage, which is OK where the endpoint was moved."}},
		call:    callMove,
	}
}

func callMove(ctx context.Context, c call) (Output, error) {
	move := sepclient.Move{HardwareKey: c.in["sep_hardwarekey"], GroupID: c.in["sep_groupid"]}
	if err := c.allow(incident.OpMove, incident.Target{Computers: []string{move.HardwareKey}}, moveBody{GroupID: move.GroupID}); err != nil {
		return Output{}, err
	}
	moved, err := c.sepm.MoveComputers(ctx, move)
	if err != nil {
		return Output{}, err
	}
	type response struct {
		Code    string `json:"responseCode"`
		Message string `json:"responseMessage"`
	}
	if err := moved[0].Err; err != nil {
		var status, message = "", err.Error()
		if e, ok := err.(*sepclient.Error); ok {
			status, message = strconv.Itoa(e.Status), e.Message
		}
		return Output{}, &knownRefusal{[]response{{status, message}}, err}
	}
	return one([]response{{"200", "OK"}}, []string{"HARDWARE KEY", "GROUP ID"}, []string{move.HardwareKey, move.GroupID}), nil
}

// cancelCommand is "SEP - Cancel a Command".
func cancelCommand() Function {
	return Function{
		FunctionDef: incident.FunctionDef{
			Name: "sep_cancel_a_command", Title: "SEP - Cancel a Command",
			Help: "Cancels a command for those endpoints that have not run it yet.",
			Inputs: []incident.InputDef{
				{Name: "sep_command_id", Type: incident.InputText, Required: true, Help: "Command ID of SEP job."},
			},
		},
		Changes: true,
		Keys:    []KeyDef{{Name: "commandID", Help: "The id of the command that cancels; of several, all in one text, parted by commas."}},
		Differs: []string{"Takes the several ids of one command."},
		call: func(ctx context.Context, c call) (Output, error) {
			var lines [][]string
			var ids []string
			for _, id := range c.in.list("sep_command_id") {
				if err := c.allow(incident.OpCancel, incident.Target{Object: id}, nil); err != nil {
					return Output{}, err
				}
				by, err := c.sepm.CancelCommand(ctx, id)
				if err != nil {
					return Output{}, err
				}
				ids, lines = append(ids, by), append(lines, []string{id, by})
			}
			if len(ids) == 0 {
				return Output{}, c.fault("sep_command_id", "names no command")
			}
			return one(map[string]string{"commandID": strings.Join(ids, ",")}, []string{"COMMAND ID", "CANCELLED BY"}, lines...), nil
		},
	}
}
