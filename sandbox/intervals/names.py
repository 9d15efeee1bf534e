"""The fields that REST serves as null where there is no value; `fields=` and webhooks leave them out."""

# ruff: noqa: SIM905 - a paragraph of names reads better than a hundred lines of them

ACTIVITY_NULLS = dict.fromkeys(
    "distance moving_time elapsed_time average_heartrate max_heartrate average_cadence calories device_name external_id "
    "icu_training_load icu_intensity pace gap icu_rpe feel session_rpe timezone description sub_type tags "
    "perceived_exertion strava_id oauth_client_id oauth_client_name paired_event_id compliance kg_lifted coach_tick "
    "icu_chat_id attachments gear average_temp icu_ftp polarization_index".split()
)
EVENT_NULLS = dict.fromkeys(
    "icu_training_load icu_atl icu_ctl type end_date_local name description indoor color moving_time icu_ftp w_prime p_max "
    "atl_days ctl_days target joules joules_above_ftp workout_doc push_errors shared_event_id carbs_used carbs_per_hour "
    "sub_type tags attachments distance strain_score ss_p_max ss_w_prime ss_cp external_id oauth_client_id load_target "
    "time_target distance_target plan_applied plan_athlete_id plan_folder_id plan_workout_id plan_name max_training_time "
    "can_train_sports icu_intensity".split()
)
EVENT_FALSE = dict.fromkeys(
    "not_on_fitness_chart show_as_note show_on_ctl_line for_week athlete_cannot_edit hide_from_athlete structure_read_only "
    "entered".split(),
    False,
)
WELLNESS_NULLS = dict.fromkeys(
    "ctl atl rampRate ctlLoad atlLoad sportInfo updated weight restingHR hrv sleepSecs sleepScore sleepQuality soreness "
    "fatigue stress mood motivation injury steps comments kcalConsumed hrvSDNN avgSleepingHR menstrualPhase "
    "menstrualPhasePredicted spO2 systolic diastolic hydration hydrationVolume readiness bloodGlucose lactate bodyFat "
    "abdomen vo2max respiration locked".split()
)
