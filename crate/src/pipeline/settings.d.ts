/** A model and its knobs; null follows from the data. */
export type ModelConfig =
    | {
        name: "wmf";
        /** Numbers for each user and item, at most as many as the shard has users. More can hold more, and cost more. 1 to 512; default 64, or 128 where rows are few; no more than the shard has users or items. */
        factors: number | null;
        /** Passes over the rows at most; fewer where training converges. 1 to 10000; default 50. */
        epochs: number | null;
        /** How much every unseen item counts as a no. More of it pulls towards what is popular. 0 to 100; default from the shard's rows: 1.5 sqrt(density), at most 0.3. */
        alpha: number | null;
        /** Holds numbers near zero. More of it forgets single rows and keeps what many share. 0 to 1e6; default from the shard's rows: what noise in them cannot exceed. */
        lambda: number | null;
        /** How far the penalty grows with a row's data: 0 not at all, 1 in proportion. 0 to 1; default 1. */
        nu: number | null;
        /** Relative improvement that counts as one. 0 to 1; default 0.001. */
        tolerance: number | null;
        /** Slices of each shard with a checkpoint before each: forgetting starts from the last clean one. 0 is none. 0 (none) to 64; default 0. */
        slices: number;
    }
    | {
        name: "bpr";
        /** Numbers for each user and item, at most as many as the shard has users. More can hold more, and cost more. 1 to 512; default 64, or 128 where rows are few for each user and item. */
        factors: number | null;
        /** Passes over the rows at most; fewer where training converges. 1 to 10000; default 1000. */
        epochs: number | null;
        /** Holds numbers near zero. More of it forgets single rows and keeps what many share. 0 to 1e6; default from the shard's rows: 0.03, up to 0.07 where they are few for each user and item; half of it in one of many shards. */
        lambda: number | null;
        /** How far one step goes. Small is slow and sure; far too large and the training says that it diverged. above 0, to 10; default 0.15; half of it after 8 epochs, a third after 16. */
        rate: number | null;
        /** How many looks at its own held-out rows may bring nothing better before training stops. 1 to 1000; default 10. */
        patience: number | null;
        /** Relative improvement that counts as one. 0 to 1; default 0.001. */
        tolerance: number | null;
        /** Fit again on train plus validation rows for the number of epochs found. true or false; default true. */
        refit: boolean;
        /** Slices of each shard with a checkpoint before each: forgetting starts from the last clean one. 0 is none. 0 (none) to 64; default 0. */
        slices: number;
    }
    | {
        name: "mf";
        /** Numbers for each user and item, at most as many as the shard has users. More can hold more, and cost more. 1 to 512; default 32. */
        factors: number | null;
        /** Passes over the rows at most; fewer where training converges. 1 to 10000; default 300. */
        epochs: number | null;
        /** Holds numbers near zero. More of it forgets single rows and keeps what many share. 0 to 1e6; default 0.01. */
        lambda: number | null;
        /** How far one step goes. Small is slow and sure; far too large and the training says that it diverged. above 0, to 10; default 0.005. */
        rate: number | null;
        /** How many looks at its own held-out rows may bring nothing better before training stops. 1 to 1000; default 4. */
        patience: number | null;
        /** Relative improvement that counts as one. 0 to 1; default 0.001. */
        tolerance: number | null;
        /** Unseen items drawn for each liked one. More see more of the catalogue, and cost as much more. 1 to 50; default 4. */
        negatives: number | null;
        /** Fit again on train plus validation rows for the number of epochs found. true or false; default true. */
        refit: boolean;
        /** Slices of each shard with a checkpoint before each: forgetting starts from the last clean one. 0 is none. 0 (none) to 64; default 0. */
        slices: number;
    }
    | {
        name: "lightgcn";
        /** Numbers for each user and item, at most as many as the shard has users. More can hold more, and cost more. 1 to 512; default 64. */
        factors: number | null;
        /** Passes over the rows at most; fewer where training converges. 1 to 10000; default 400. */
        epochs: number | null;
        /** Holds numbers near zero. More of it forgets single rows and keeps what many share. 0 to 1e6; default from the shard's rows: 0.002, up to 0.02 where they are few for each user and item; half of it in one of many shards. */
        lambda: number | null;
        /** How far one step goes. Small is slow and sure; far too large and the training says that it diverged. above 0, to 10; default 0.01. */
        rate: number | null;
        /** How many looks at its own held-out rows may bring nothing better before training stops. 1 to 1000; default 4. */
        patience: number | null;
        /** Relative improvement that counts as one. 0 to 1; default 0.001. */
        tolerance: number | null;
        /** Steps that tastes travel along the graph of who liked what. 1 to 8; default 3. */
        layers: number | null;
        /** Fit again on train plus validation rows for the number of epochs found. true or false; default true. */
        refit: boolean;
        /** Slices of each shard with a checkpoint before each: forgetting starts from the last clean one. 0 is none. 0 (none) to 64; default 0. */
        slices: number;
    }
    | {
        name: "gmf";
        /** Numbers for each user and item, at most as many as the shard has users. More can hold more, and cost more. 1 to 512; default 32. */
        factors: number | null;
        /** Passes over the rows at most; fewer where training converges. 1 to 10000; default 200. */
        epochs: number | null;
        /** Holds numbers near zero. More of it forgets single rows and keeps what many share. 0 to 1e6; default from the shard's rows: 0.05, up to 0.1 where they are few for each user and item; half of it in one of many shards. */
        lambda: number | null;
        /** How far one step goes. Small is slow and sure; far too large and the training says that it diverged. above 0, to 10; default 0.005. */
        rate: number | null;
        /** How many looks at its own held-out rows may bring nothing better before training stops. 1 to 1000; default 4. */
        patience: number | null;
        /** Relative improvement that counts as one. 0 to 1; default 0.001. */
        tolerance: number | null;
        /** Unseen items drawn for each liked one. More see more of the catalogue, and cost as much more. 1 to 50; default 4. */
        negatives: number | null;
        /** Fit again on train plus validation rows for the number of epochs found. true or false; default true. */
        refit: boolean;
        /** Slices of each shard with a checkpoint before each: forgetting starts from the last clean one. 0 is none. 0 (none) to 64; default 0. */
        slices: number;
    }
    | {
        name: "neumf";
        /** Numbers for each user and item, at most as many as the shard has users. More can hold more, and cost more. 1 to 512; default 16. */
        factors: number | null;
        /** Passes over the rows at most; fewer where training converges. 1 to 10000; default 200. */
        epochs: number | null;
        /** Holds numbers near zero. More of it forgets single rows and keeps what many share. 0 to 1e6; default 0.03. */
        lambda: number | null;
        /** How far one step goes. Small is slow and sure; far too large and the training says that it diverged. above 0, to 10; default 0.0025. */
        rate: number | null;
        /** How many looks at its own held-out rows may bring nothing better before training stops. 1 to 1000; default 4. */
        patience: number | null;
        /** Relative improvement that counts as one. 0 to 1; default 0.001. */
        tolerance: number | null;
        /** Hidden layers of the network, each half as wide as the one below. 1 to 8; default 2. */
        layers: number | null;
        /** Unseen items drawn for each liked one. More see more of the catalogue, and cost as much more. 1 to 50; default 4. */
        negatives: number | null;
        /** Fit again on train plus validation rows for the number of epochs found. true or false; default true. */
        refit: boolean;
    }
    | {
        name: "dmf";
        /** Numbers for each user and item, at most as many as the shard has users. More can hold more, and cost more. 1 to 512; default 32. */
        factors: number | null;
        /** Passes over the rows at most; fewer where training converges. 1 to 10000; default 200. */
        epochs: number | null;
        /** Holds numbers near zero. More of it forgets single rows and keeps what many share. 0 to 1e6; default 0.0001. */
        lambda: number | null;
        /** How far one step goes. Small is slow and sure; far too large and the training says that it diverged. above 0, to 10; default 0.01. */
        rate: number | null;
        /** How many looks at its own held-out rows may bring nothing better before training stops. 1 to 1000; default 4. */
        patience: number | null;
        /** Relative improvement that counts as one. 0 to 1; default 0.001. */
        tolerance: number | null;
        /** Unseen items drawn for each liked one. More see more of the catalogue, and cost as much more. 1 to 50; default 4. */
        negatives: number | null;
        /** Fit again on train plus validation rows for the number of epochs found. true or false; default true. */
        refit: boolean;
    }
    | {
        name: "ease";
        /** Holds the links between items near zero, counted in people. More of it trusts common pairs only. 0 to 1e6; default 1.7 times the root of the shard's rows, from 10 to 600. */
        lambda: number | null;
    }
    | {
        name: "itemknn";
        /** Most similar items kept for each item. 1 to 100000; default 100. */
        neighbours: number | null;
    };

/** A partition and its knobs. */
export type PartitionConfig =
    | {
        method: "obc";
        /** More shards make forgetting cheaper, and each sub-model weaker. No more than there are units to divide. from 1 to 1024; default 10. */
        shards: number;
        /** Seeded starts, of which the best is kept. from 1 to 100; default 3. */
        restarts: number;
        /** How the transport problem is solved: the optimum itself, or smoothed by entropy so that it can be watched. exact or entropic; default exact. */
        solver: "exact" | "entropic";
        /** What every shard has equally much of. users or interactions; default users. */
        balance: "users" | "interactions";
        /** How hard shards are held to equal sizes: from k-means (0) to exactly equal (1). from 0 (k-means) to 1 (exact balance); default 1. */
        strength: number;
        /** How far a shard may exceed the even share, as a share of it. from 0 to 1; default 0. */
        slack: number;
        /** Scale every vector to unit length first, so that taste counts and activity does not. true or false; default true. */
        normalise: boolean;
        /** Rounds of a start at most. from 1 to 1000; default 100. */
        max_iterations: number;
        /** How blurred the entropic solver's plan stays, as a multiple of the data's variance. With more of it people near a border are carried to several shards. from 0.0001 to 10 (times the data's variance); default 0.005. */
        epsilon: number | null;
    }
    | {
        method: "random";
        /** More shards make forgetting cheaper, and each sub-model weaker. No more than there are units to divide. from 1 to 1024; default 10. */
        shards: number;
    }
    | {
        method: "hash";
        /** More shards make forgetting cheaper, and each sub-model weaker. No more than there are units to divide. from 1 to 1024; default 10. */
        shards: number;
    }
    | {
        method: "file";
        /** More shards make forgetting cheaper, and each sub-model weaker. No more than there are units to divide. from 1 to 1024; default 10. */
        shards: number;
    }
    | {
        method: "kmeans";
        /** More shards make forgetting cheaper, and each sub-model weaker. No more than there are units to divide. from 1 to 1024; default 10. */
        shards: number;
        /** Seeded starts, of which the best is kept. from 1 to 100; default 3. */
        restarts: number;
        /** Scale every vector to unit length first, so that taste counts and activity does not. true or false; default true. */
        normalise: boolean;
        /** Rounds of a start at most. from 1 to 1000; default 100. */
        max_iterations: number;
    }
    | {
        method: "ubp";
        /** More shards make forgetting cheaper, and each sub-model weaker. No more than there are units to divide. from 1 to 1024; default 10. */
        shards: number;
        /** Scale every vector to unit length first, so that taste counts and activity does not. true or false; default true. */
        normalise: boolean;
        /** Rounds of a start at most. from 1 to 1000; default 100. */
        max_iterations: number;
    }
    | {
        method: "ibp";
        /** More shards make forgetting cheaper, and each sub-model weaker. No more than there are units to divide. from 1 to 1024; default 10. */
        shards: number;
        /** Scale every vector to unit length first, so that taste counts and activity does not. true or false; default true. */
        normalise: boolean;
        /** Rounds of a start at most. from 1 to 1000; default 100. */
        max_iterations: number;
    }
    | {
        method: "inbp";
        /** More shards make forgetting cheaper, and each sub-model weaker. No more than there are units to divide. from 1 to 1024; default 10. */
        shards: number;
        /** Scale every vector to unit length first, so that taste counts and activity does not. true or false; default true. */
        normalise: boolean;
        /** Rounds of a start at most. from 1 to 1000; default 100. */
        max_iterations: number;
    }
    | {
        method: "anchored";
        /** More shards make forgetting cheaper, and each sub-model weaker. No more than there are units to divide. from 1 to 1024; default 10. */
        shards: number;
        /** The share of users on whose rows the division rests, chosen by a keyed hash of the id. a share above 0 and at most 1; default 0.2. */
        anchors: number;
        /** Only users who say yes in the file's consent column are anchors, whatever others say. true or false; default false. */
        consent: boolean;
        /** Seeded starts, of which the best is kept. from 1 to 100; default 3. */
        restarts: number;
        /** How the transport problem is solved: the optimum itself, or smoothed by entropy so that it can be watched. exact or entropic; default exact. */
        solver: "exact" | "entropic";
        /** What every shard has equally much of. users or interactions; default users. */
        balance: "users" | "interactions";
        /** How hard shards are held to equal sizes: from k-means (0) to exactly equal (1). from 0 (k-means) to 1 (exact balance); default 1. */
        strength: number;
        /** How far a shard may exceed the even share, as a share of it. from 0 to 1; default 0. */
        slack: number;
        /** Scale every vector to unit length first, so that taste counts and activity does not. true or false; default true. */
        normalise: boolean;
        /** Rounds of a start at most. from 1 to 1000; default 100. */
        max_iterations: number;
        /** How blurred the entropic solver's plan stays, as a multiple of the data's variance. With more of it people near a border are carried to several shards. from 0.0001 to 10 (times the data's variance); default 0.005. */
        epsilon: number | null;
    };

/** A combiner and its knobs; null follows from the ensemble. */
export type CombineConfig =
    | {
        method: "own";
    }
    | {
        method: "mean";
    }
    | {
        method: "joint";
        /** Weight of the items that a user has not touched, against 1 for those touched. a number above 0; default 1. */
        alpha: number | null;
        /** Weight of the user vector's squared length. a number above 0; default 0.6 / density x (1 + 2 / shards). */
        lambda: number | null;
    }
    | {
        method: "logistic";
        /** Sampled untouched items for each validation row. from 1 to 100; default 4. */
        negatives: number;
    }
    | {
        method: "consensus";
        /** Weight of the items that a user has not touched, against 1 for those touched. a number above 0; default 1. */
        alpha: number | null;
        /** Weight of the user vector's squared length. a number above 0; default ten times what joint would use. */
        lambda: number | null;
    }
    | {
        method: "attention";
        /** Width of the attention network's hidden layer. from 1 to 256; default 16. */
        attention: number;
        /** Epochs at most. from 1 to 1000; default 16. */
        epochs: number;
    };
