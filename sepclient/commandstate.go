package sepclient

import "strconv"

// CommandState is how far one computer is with a command (A13). One that is
// not known here is kept as SEPM has it; -1 is one that SEPM does not say.
type CommandState int

// The states of a command.
const (
	CommandInitial    CommandState = 0 // not yet received by the client
	CommandReceived   CommandState = 1
	CommandInProgress CommandState = 2
	CommandCompleted  CommandState = 3
	CommandRejected   CommandState = 4
	CommandCancelled  CommandState = 5
	CommandError      CommandState = 6
)

// Final reports whether the state will not change any more.
func (s CommandState) Final() bool { return s >= CommandCompleted && s <= CommandError }

// String is the state in words.
func (s CommandState) String() string {
	switch s {
	case CommandInitial:
		return "not received"
	case CommandReceived:
		return "received"
	case CommandInProgress:
		return "in progress"
	case CommandCompleted:
		return "completed"
	case CommandRejected:
		return "rejected"
	case CommandCancelled:
		return "cancelled"
	case CommandError:
		return "error"
	}
	return "state " + strconv.Itoa(int(s))
}

// CommandSubState is how a command ended, or why it did not run (A13). One
// that is not known here is kept.
type CommandSubState int

// The substates of a command.
const (
	SubStateUnknown                 CommandSubState = -1
	SubStateSuccess                 CommandSubState = 0 // also while nothing is known
	SubStateNotExecuted             CommandSubState = 1
	SubStateNotReported             CommandSubState = 2
	SubStateDuplicate               CommandSubState = 3
	SubStateNotRestarted            CommandSubState = 4
	SubStateRestartNotAllowed       CommandSubState = 5
	SubStateUnexpectedError         CommandSubState = 6
	SubStateScanSuccess             CommandSubState = 100
	SubStateRiskFound               CommandSubState = 101
	SubStateScanSuspended           CommandSubState = 102
	SubStateScanAborted             CommandSubState = 103
	SubStateScanNoStatus            CommandSubState = 105
	SubStateScanNotStarted          CommandSubState = 106
	SubStateAutoProtectNotOn        CommandSubState = 110
	SubStateDownloadRunning         CommandSubState = 120
	SubStateDownloadFailed          CommandSubState = 121
	SubStateQuarantineDeleteFailed  CommandSubState = 131
	SubStateQuarantineDeletePartial CommandSubState = 132
)

// String is the substate in words.
func (s CommandSubState) String() string {
	switch s {
	case SubStateUnknown:
		return "unknown"
	case SubStateSuccess, SubStateScanSuccess:
		return "success"
	case SubStateNotExecuted:
		return "the client did not execute the command"
	case SubStateNotReported:
		return "the client reported nothing"
	case SubStateDuplicate:
		return "a duplicate, not executed"
	case SubStateNotRestarted:
		return "the spooled command could not restart"
	case SubStateRestartNotAllowed:
		return "restart is not allowed from the console"
	case SubStateUnexpectedError:
		return "unexpected error"
	case SubStateRiskFound:
		return "risk found"
	case SubStateScanSuspended:
		return "scan suspended"
	case SubStateScanAborted:
		return "scan aborted"
	case SubStateScanNoStatus:
		return "the scan returned no status"
	case SubStateScanNotStarted:
		return "the scan did not start"
	case SubStateAutoProtectNotOn:
		return "Auto-Protect could not be turned on"
	case SubStateDownloadRunning:
		return "LiveUpdate download running"
	case SubStateDownloadFailed:
		return "LiveUpdate download failed"
	case SubStateQuarantineDeleteFailed:
		return "delete from quarantine failed"
	case SubStateQuarantineDeletePartial:
		return "deleted from quarantine in part"
	}
	return "substate " + strconv.Itoa(int(s))
}
