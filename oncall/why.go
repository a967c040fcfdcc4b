package oncall

// Why something stands on the timeline: the codes of EntryData.Why beside those
// of Outcome and TellWhy. i18n says them.
const (
	// Of skipped.
	WhyNobodyOnDuty    = "nobody_on_duty"
	WhyUnknownUser     = "unknown_user"
	WhyUnknownSchedule = "unknown_schedule"
	WhyUnknownTarget   = "unknown_target"
	WhyEmptyLevel      = "empty_level"
	WhyNoFallback      = "no_fallback"
	WhyNoContact       = "no_contact"
	WhyUnverified      = "unverified"
	WhyNoCalls         = "no_calls"
	WhyAlreadyPaged    = "already_paged" // in this level of this round

	// Of page: why this user is paged when it is not simply their turn.
	WhyFirst     = "first"     // before level 1 (R4, R16, R17)
	WhyJoined    = "joined"    // a page that is still under way counts for this level too
	WhyAgain     = "again"     // on_no_answer: again
	WhyShift     = "shift"     // a shift began during the wait (R14)
	WhyResponder = "responder" // asked to help (R17)
	WhyFallback  = "fallback"

	// Of unreached, beside the outcome of the last attempt.
	WhyTimeout   = "timeout"   // the time of the target or level is over
	WhyEscalated = "escalated" // by hand
	WhyOffDuty   = "off_duty"  // the shift ended during the wait

	// Of waiting.
	WhySupportHours = "support_hours"
	WhyPageAfter    = "page_after"

	// Of outcome.
	WhyGaveUp = "gave_up" // no outcome was ever heard
)
