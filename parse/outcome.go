package parse

import "strings"

// outcomeOf tells what an action taken means for the endpoint. The table is
// the whole of contract SEPM e-mail §1.6: SEPM's hard-coded English strings,
// their codes, which some senders leave unmapped, and spellings seen in the
// wild. What is not in it is unknown, which never lowers a severity.
func outcomeOf(action string) Outcome {
	action = strings.ToLower(action)
	if strings.Contains(action, "  ") {
		action = strings.Join(strings.Fields(action), " ")
	}
	switch action {
	case "1", "quarantined",
		"3", "deleted",
		"5", "cleaned", "クリーニング",
		"6", "cleaned or macros deleted", "クリーニングしたかマクロを削除しました",
		"19", "cleaned by deletion", "削除によってクリーニングしました",
		"21", "process terminated",
		"100", "ids block",
		"101", "firewall violation",
		"200", "attachment stripped":
		return Remediated
	case "2", "renamed",
		"13", "backed up":
		return KeptCopy
	case "-1", "action invalid", "処理が無効です",
		"4", "left alone",
		"12", "bad", "不良",
		"15", "partially repaired",
		"20", "access denied", "アクセスが拒否されました",
		"22", "no repair available",
		"23", "all actions failed", "すべてのアクションが失敗しました",
		"24", "repairfailedpowereraser",
		"25", "repairfailedpowereraser2",
		"action failed", "修復が失敗しました", "clean failed : quarantine failed":
		return NotRemediated
	case "14", "pending repair",
		"16", "process termination pending restart", "process terminate pending restart",
		"18", "restart processing", "reboot processing", "reboot required - reboot processing",
		"99", "details pending",
		"terminate process required", "pending analysis":
		return Pending
	case "7", "saved",
		"9", "moved back",
		"10", "renamed back",
		"11", "undone",
		"17", "excluded",
		"102", "allowed by user":
		return Allowed
	case "98", "suspicious",
		"110", "detected by using the commercial application list",
		"111", "forced detection by using the file name",
		"500", "not applicable",
		"1000", "forced detection by using the file hash":
		return Informational
	}
	return UnknownResult
}
