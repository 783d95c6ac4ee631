//! Where each line of the checklist of conformance is kept.

/// The lines of the checklist of conformance, and the traces that keep them.
pub(super) const CHECKLIST: &[(u32, &[&str])] = &[
    (1, &["a token is required before the secret is looked for"]),
    (2, &["a bad name is refused by every operation"]),
    (
        3,
        &[
            "an arn may be partial",
            "four letters at the end of a name are no suffix",
            "six letters at the end of a name are taken for the suffix",
            "a hyphen at the end of a name is no suffix",
        ],
    ),
    (
        4,
        &[
            "three puts",
            "pending survives the move of current",
            "a second rotation takes pending along",
            "custom labels move one by one",
            "custom labels stay when current moves",
            "removing a label leaves previous alone",
            "labels are taken to the letter",
        ],
    ),
    (5, &["the first version is current whatever it asks for"]),
    (6, &["a token is for one content", "tokens are taken to the letter"]),
    (7, &["deletion has its window or is forced"]),
    (8, &["a scheduled secret is there for a few operations only"]),
    (9, &["filters"]),
    (10, &["tags are omitted or empty"]),
    (11, &["bytes and texts take turns", "aws_clients"]),
    (12, &["a read leaves its day"]),
    (13, &["rotation in process, as no function can be registered yet"]),
    (14, &["rotation", "rotation in process, as no function can be registered yet"]),
    (15, &["api"]),
    (16, &["races"]),
    (17, &["aws_clients"]),
    (18, &["aws_clients"]),
    (19, &["a plan is applied and destroyed twice", "terraform"]),
];

/// What is kept by other tests, or not yet.
pub(super) const ELSEWHERE: &[&str] = &[
    "api",
    "aws_clients",
    "filters",
    "races",
    "rotation",
    "rotation in process, as no function can be registered yet",
    "terraform",
];
